/* SPDX-License-Identifier: Apache-2.0 */
#include "run/timer.h"

#include "base/check.h"
#include "base/memory.h"

static void put(struct timer_heap *heap, size_t place, struct timer *timer)
{
    heap->items[place] = timer;
    timer->place = place;
}

static void move_up(struct timer_heap *heap, struct timer *timer, size_t place)
{
    while (place > 1 && instant_is_before(timer->deadline, heap->items[place / 2]->deadline)) {
        put(heap, place, heap->items[place / 2]);
        place /= 2;
    }
    put(heap, place, timer);
}

static void move_down(struct timer_heap *heap, struct timer *timer, size_t place)
{
    size_t child;

    while ((child = place * 2) <= heap->count) {
        if (child < heap->count && instant_is_before(heap->items[child + 1]->deadline, heap->items[child]->deadline))
            child++;
        if (!instant_is_before(heap->items[child]->deadline, timer->deadline))
            break;
        put(heap, place, heap->items[child]);
        place = child;
    }
    put(heap, place, timer);
}

void timer_heap_done(struct timer_heap *heap)
{
    CHECK(heap->count == 0);
    memory_free(heap->items);
    *heap = (struct timer_heap){ 0 };
}

void timer_set(struct timer_heap *heap, struct timer *timer, struct instant deadline)
{
    CHECK(timer->place == 0);
    if (heap->count + 1 >= heap->capacity) {
        heap->capacity = heap->capacity > 0 ? heap->capacity * 2 : 64;
        heap->items = memory_resize(heap->items, heap->capacity * sizeof heap->items[0]);
    }
    timer->deadline = deadline;
    move_up(heap, timer, ++heap->count);
}

void timer_clear(struct timer_heap *heap, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last;

    if (place == 0)
        return;
    timer->place = 0;
    last = heap->items[heap->count--];
    if (last == timer)
        return;
    if (place > 1 && instant_is_before(last->deadline, heap->items[place / 2]->deadline))
        move_up(heap, last, place);
    else
        move_down(heap, last, place);
}

struct timer *timer_first(const struct timer_heap *heap)
{
    return heap->count > 0 ? heap->items[1] : NULL;
}
