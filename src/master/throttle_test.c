/* SPDX-License-Identifier: Apache-2.0 */
#include "master/throttle.h"
#include "unit.h"

static struct instant second(int64_t n)
{
    return instant_from_seconds(1000 + n);
}

static int64_t die(struct throttle *throttle, int64_t at)
{
    return throttle_add_death(throttle, second(at), second(at), seconds(60)).us / 1000000;
}

TEST(two_deaths_in_ten_seconds_cost_no_pause)
{
    struct throttle throttle = { 0 };

    EXPECT_INT(die(&throttle, 0), 0);
    EXPECT_INT(die(&throttle, 1), 0);
    EXPECT_FALSE(throttle_is_paused(&throttle, second(1)));
}

TEST(the_third_death_in_ten_seconds_pauses_for_one)
{
    struct throttle throttle = { 0 };

    die(&throttle, 0);
    die(&throttle, 4);
    EXPECT_INT(die(&throttle, 10), 1);
    EXPECT(throttle_is_paused(&throttle, second(10)));
    EXPECT_FALSE(throttle_is_paused(&throttle, second(11)));
}

TEST(a_death_a_minute_never_pauses)
{
    struct throttle throttle = { 0 };

    for (int i = 0; i < 100; i++)
        EXPECT_INT(die(&throttle, i * 60), 0);
}

TEST(pauses_double_up_to_the_limit)
{
    static const int64_t expected[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
    struct throttle throttle = { 0 };
    int64_t now = 0;

    die(&throttle, now);
    die(&throttle, now);
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        EXPECT_INT(die(&throttle, now), expected[i]);
        now += expected[i];
    }
}

TEST(a_service_that_ran_well_for_a_while_starts_anew)
{
    struct throttle throttle = { 0 };

    die(&throttle, 0);
    die(&throttle, 0);
    EXPECT_INT(die(&throttle, 0), 1);
    EXPECT_INT(die(&throttle, 30), 0);
}

TEST(those_that_die_together_count_once)
{
    struct throttle throttle = { 0 };

    for (int i = 0; i < 100; i++)
        EXPECT_INT(throttle_add_death(&throttle, second(0), second(5), seconds(60)).us, 0);
    EXPECT_INT(die(&throttle, 6), 0);
    EXPECT_INT(die(&throttle, 7), 1);
}
