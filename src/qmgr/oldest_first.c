/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/oldest_first.h"

#include "base/memory.h"

struct oldest_first {
    struct queue_id *ids; /* a heap from 0 on */
    size_t count;
};

static bool is_older(struct queue_id a, struct queue_id b)
{
    return queue_id_tick(a) < queue_id_tick(b);
}

/* Puts id at the place, or below it. */
static void sift_down(struct oldest_first *heap, size_t place, struct queue_id id)
{
    for (size_t child = place * 2 + 1; child < heap->count; child = place * 2 + 1) {
        if (child + 1 < heap->count && is_older(heap->ids[child + 1], heap->ids[child]))
            child++;
        if (!is_older(heap->ids[child], id))
            break;
        heap->ids[place] = heap->ids[child];
        place = child;
    }
    heap->ids[place] = id;
}

struct oldest_first *oldest_first_create(const struct queue_index *index)
{
    struct oldest_first *heap = memory_alloc(sizeof(*heap));

    heap->ids = queue_index_ids(index, &heap->count);
    for (size_t place = heap->count / 2; place > 0; place--)
        sift_down(heap, place - 1, heap->ids[place - 1]);
    return heap;
}

void oldest_first_destroy(struct oldest_first **heap)
{
    if (*heap == NULL)
        return;
    memory_free((*heap)->ids);
    memory_free(*heap);
    *heap = NULL;
}

bool oldest_first_next(struct oldest_first *heap, struct queue_id *id_out)
{
    if (heap->count == 0)
        return false;
    *id_out = heap->ids[0];
    heap->count--;
    if (heap->count > 0)
        sift_down(heap, 0, heap->ids[heap->count]);
    return true;
}
