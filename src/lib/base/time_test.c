/* SPDX-License-Identifier: Apache-2.0 */
#include "base/time.h"

#include "unit.h"

TEST(seconds_and_milliseconds_are_microseconds_inside)
{
    EXPECT_INT(seconds(3).us, 3000000);
    EXPECT_INT(milliseconds(3).us, 3000);
    EXPECT_INT(duration_seconds(milliseconds(2999)), 2);
    EXPECT_INT(instant_seconds(instant_from_seconds(1700000000)), 1700000000);
}

TEST(a_sum_stops_at_the_end_of_time)
{
    static const struct {
        int64_t at, span, sum;
    } rows[] = {
        { 5, 7, 12 },
        { 5, -7, -2 },
        { 5, INT64_MAX, INT64_MAX },
        { INT64_MAX, INT64_MAX, INT64_MAX },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct instant at = { rows[i].at };

        EXPECT_INT(instant_add(at, (struct duration){ rows[i].span }).us, rows[i].sum);
    }
    EXPECT_INT(instant_add(instant_from_seconds(1), DURATION_FOREVER).us, INT64_MAX);
}

TEST(instants_are_in_order)
{
    EXPECT(instant_is_before((struct instant){ 1 }, (struct instant){ 2 }));
    EXPECT_FALSE(instant_is_before((struct instant){ 2 }, (struct instant){ 2 }));
    EXPECT_INT(instant_since((struct instant){ 9 }, (struct instant){ 4 }).us, 5);
}

TEST(the_clocks_run_and_count_microseconds)
{
    struct instant before = clock_monotonic();
    struct instant after = clock_monotonic();

    EXPECT_FALSE(instant_is_before(after, before));
    EXPECT(instant_since(after, before).us < seconds(60).us);
    /* Between 2020 and 2200: in microseconds since 1970. */
    EXPECT(clock_now().us > 1577836800 * INT64_C(1000000));
    EXPECT(clock_now().us < 7258118400 * INT64_C(1000000));
}
