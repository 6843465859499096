/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/feedback.h"

#include "unit.h"

static bool is_near(double a, double b)
{
    return a - b < 1e-6 && b - a < 1e-6;
}

static struct feedback parsed(const char *text)
{
    struct feedback feedback = { 0 };
    struct failure why;

    EXPECT(feedback_parse(str_from_c(text), &feedback, &why));
    return feedback;
}

TEST(each_formula_has_its_value)
{
    static const struct {
        const char *text;
        double at_nine;
    } rows[] = {
        { "1", 1 },
        { "0", 0 },
        { "0.25", 0.25 },
        { " 1 / 4 ", 0.25 },
        { "1/concurrency", 1.0 / 9 },
        { "0.5 / concurrency", 0.5 / 9 },
        { "1/sqrt_concurrency", 1.0 / 3 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct feedback feedback = parsed(rows[i].text);

        EXPECT(is_near(feedback_value(&feedback, 9), rows[i].at_nine));
    }
}

TEST(what_is_no_formula_is_refused)
{
    static const char *const texts[] = { "", "x", "2", "-1", "1/", "1/0", "1/x", "1 1", "3/2", "1/concurrency2", "." };

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        struct feedback feedback;
        struct failure why;

        EXPECT_FALSE(feedback_parse(str_from_c(texts[i]), &feedback, &why));
        EXPECT(why.kind == FAILURE_CONFIGURATION);
    }
}

TEST(a_window_widens_at_the_end_of_a_cohort_and_narrows_at_its_beginning)
{
    struct feedback gentle = parsed("1/concurrency");
    struct window window;

    window_init(&window, 4, 20);
    for (int i = 0; i < 3; i++)
        window_succeed(&window, &gentle, 4, 4, 20);
    EXPECT_UINT(window.size, 4);
    window_succeed(&window, &gentle, 4, 4, 20);
    EXPECT_UINT(window.size, 5);
    (void) !window_fail(&window, &gentle, 0);
    EXPECT_UINT(window.size, 4);
    for (int i = 0; i < 3; i++)
        (void) !window_fail(&window, &gentle, 0);
    EXPECT_UINT(window.size, 4);
    (void) !window_fail(&window, &gentle, 0);
    (void) !window_fail(&window, &gentle, 0);
    EXPECT_UINT(window.size, 3);
}

TEST(a_window_that_nobody_uses_is_not_widened_and_none_passes_its_limit)
{
    struct feedback whole = parsed("1");
    struct window window;

    window_init(&window, 5, 6);
    window.size = 6;
    window_succeed(&window, &whole, 1, 5, 20);
    EXPECT_UINT(window.size, 6);
    window_succeed(&window, &whole, 2, 5, 20);
    EXPECT_UINT(window.size, 7);
    window_init(&window, 5, 6);
    window_succeed(&window, &whole, 5, 5, 6);
    window_succeed(&window, &whole, 5, 5, 6);
    EXPECT_UINT(window.size, 6);
    window_init(&window, 5, 3);
    EXPECT_UINT(window.size, 3);
}

TEST(no_failure_takes_the_last_delivery)
{
    struct feedback whole = parsed("1");
    struct window window;

    window_init(&window, 3, 20);
    for (int i = 0; i < 10; i++)
        (void) !window_fail(&window, &whole, 0);
    EXPECT_UINT(window.size, 1);
}

TEST(so_many_cohorts_of_failures_in_a_row_make_it_dead)
{
    struct feedback none = parsed("0");
    struct feedback whole = parsed("1");
    struct window window;

    window_init(&window, 3, 20);
    for (int i = 0; i < 5; i++)
        EXPECT_FALSE(window_fail(&window, &none, 2));
    EXPECT(window_fail(&window, &none, 2));
    window_init(&window, 3, 20);
    for (int i = 0; i < 5; i++)
        EXPECT_FALSE(window_fail(&window, &none, 2));
    window_succeed(&window, &none, 3, 3, 20);
    EXPECT_FALSE(window_fail(&window, &none, 2));
    window_init(&window, 1, 20);
    EXPECT(window_fail(&window, &whole, 1));
    EXPECT_FALSE(window_fail(&window, &whole, 0));
}
