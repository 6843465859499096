/* SPDX-License-Identifier: Apache-2.0 */
#include "run/timer.h"

#include "unit.h"

enum { TIMERS = 200 };

/* In an order that has nothing to do with time. */
static size_t shuffled(size_t i)
{
    return i * 73 % TIMERS;
}

TEST(timers_are_due_in_the_order_of_their_deadlines)
{
    struct timer_heap heap = { 0 };
    struct timer timers[TIMERS] = { 0 };

    EXPECT(timer_first(&heap) == NULL);
    for (size_t i = 0; i < TIMERS; i++)
        timer_set(&heap, &timers[shuffled(i)], (struct instant){ (int64_t) shuffled(i) });
    for (size_t i = 0; i < TIMERS; i++) {
        struct timer *first = timer_first(&heap);

        EXPECT(first == &timers[i]);
        timer_clear(&heap, first);
    }
    EXPECT(timer_first(&heap) == NULL);
    timer_heap_done(&heap);
}

TEST(a_timer_is_taken_away_wherever_it_stands)
{
    struct timer_heap heap = { 0 };
    struct timer timers[TIMERS] = { 0 };

    for (size_t i = 0; i < TIMERS; i++)
        timer_set(&heap, &timers[shuffled(i)], (struct instant){ (int64_t) shuffled(i) });
    for (size_t i = 0; i < TIMERS; i += 2)
        timer_clear(&heap, &timers[i]);
    timer_clear(&heap, &timers[0]);
    EXPECT_UINT(heap.count, TIMERS / 2);
    for (size_t i = 1; i < TIMERS; i += 2) {
        EXPECT(timer_first(&heap) == &timers[i]);
        timer_clear(&heap, &timers[i]);
    }
    timer_heap_done(&heap);
}
