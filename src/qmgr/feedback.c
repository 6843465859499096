/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/feedback.h"

#include "base/cursor.h"

/* What sums of binary fractions may lack. */
static const double rounding = 1e-6;

/* ---- words ---- */

static bool take_number(struct cursor *cursor, double *number_out)
{
    struct cursor start = *cursor;
    double scale = 1;
    uint64_t whole = 0;
    bool has_digits = cursor_take_uint64(cursor, &whole);
    double number = (double) whole;

    if (cursor_skip_char(cursor, '.')) {
        while (char_is_digit(cursor_peek(cursor))) {
            char digit;

            (void) cursor_take_char(cursor, &digit);
            scale /= 10;
            number += scale * (digit - '0');
            has_digits = true;
        }
    }
    if (has_digits)
        *number_out = number;
    else
        *cursor = start;
    return has_digits;
}

static bool parse_divisor(struct cursor *cursor, struct feedback *feedback)
{
    double divisor;

    cursor_skip_any(cursor, " \t");
    if (cursor_skip_str(cursor, STR("sqrt_concurrency"))) {
        feedback->kind = FEEDBACK_PER_ROOT;
        return true;
    }
    if (cursor_skip_str(cursor, STR("concurrency"))) {
        feedback->kind = FEEDBACK_PER_CONCURRENCY;
        return true;
    }
    if (!take_number(cursor, &divisor) || divisor <= 0)
        return false;
    feedback->share /= divisor;
    return true;
}

bool feedback_parse(struct str text, struct feedback *feedback_out, struct failure *why)
{
    struct cursor cursor = cursor_over(text);
    struct feedback feedback = { 0 };
    bool is_good;

    cursor_skip_any(&cursor, " \t");
    is_good = take_number(&cursor, &feedback.share);
    cursor_skip_any(&cursor, " \t");
    if (is_good && cursor_skip_char(&cursor, '/'))
        is_good = parse_divisor(&cursor, &feedback);
    cursor_skip_any(&cursor, " \t");
    if (!is_good || !cursor_at_end(&cursor) || feedback.share > 1)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "ignoring malformed or unreasonable feedback: %.*s",
                           STR_ARG(text));
    *feedback_out = feedback;
    return true;
}

/* ---- numbers ---- */

static double square_root(unsigned n)
{
    double root = n;

    for (int i = 0; i < 30 && n > 1; i++)
        root = (root + n / root) / 2;
    return root;
}

double feedback_value(const struct feedback *feedback, unsigned concurrency)
{
    if (feedback->kind == FEEDBACK_CONSTANT || concurrency == 0)
        return feedback->share;
    return feedback->share / (feedback->kind == FEEDBACK_PER_CONCURRENCY ? concurrency : square_root(concurrency));
}

/* ---- the window ---- */

void window_init(struct window *window, unsigned initial, unsigned limit)
{
    *window = (struct window){ .size = initial > 0 ? initial : 1 };
    if (limit > 0 && window->size > limit)
        window->size = limit;
}

void window_succeed(struct window *window, const struct feedback *positive, unsigned busy, unsigned initial,
                    unsigned limit)
{
    window->failed_cohorts = 0;
    if ((limit > 0 && window->size >= limit) || window->size >= busy + initial)
        return;
    window->success += feedback_value(positive, window->size);
    while (window->success >= 1 - rounding) {
        window->size++;
        window->success -= 1;
        window->failure = 0;
    }
    if (limit > 0 && window->size > limit)
        window->size = limit;
}

bool window_fail(struct window *window, const struct feedback *negative, unsigned cohort_limit)
{
    window->failed_cohorts += 1.0 / window->size;
    window->failure -= feedback_value(negative, window->size);
    while (window->failure < -rounding) {
        if (window->size > 1)
            window->size--;
        window->failure += 1;
        window->success = 0;
    }
    return cohort_limit > 0 && window->failed_cohorts >= cohort_limit - rounding;
}
