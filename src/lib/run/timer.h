/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_TIMER_H
#define RUN_TIMER_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * timer - the deadlines of a loop, in a heap. A timer is embedded in what waits and costs no memory of its
 * own; most are taken away again before they fire, which is the case made cheap here.
 */
struct timer {
    struct instant deadline;
    size_t place; /* in the heap, from 1; 0: not set */
};

struct timer_heap {
    struct timer **items; /* from 1 */
    size_t count;
    size_t capacity;
};

void timer_heap_done(struct timer_heap *heap);
/* The timer must not be set. */
void timer_set(struct timer_heap *heap, struct timer *timer, struct instant deadline);
/* Does nothing if it is not set. */
void timer_clear(struct timer_heap *heap, struct timer *timer);
/* The one that is due first, or NULL. */
struct timer *timer_first(const struct timer_heap *heap);

#endif
