/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/queue_index.h"

#include "base/check.h"
#include "base/memory.h"

enum { FEWEST_SLOTS = 1024, AHEAD = 16 };

struct queue_index {
    struct queued_message **slots; /* open addressing, a power of two */
    size_t slot_count;
    size_t count;
    struct queued_message **heap; /* from 1 on */
    size_t heap_count;
    size_t heap_capacity;
    struct list ready[2]; /* new, deferred */
};

/* ---- by id ---- */

static size_t slot_of(const struct queue_index *index, struct queue_id id)
{
    uint64_t mixed = id.value * UINT64_C(0x9E3779B97F4A7C15);

    return (size_t) (mixed >> 20) & (index->slot_count - 1);
}

static void put_slot(struct queue_index *index, struct queued_message *message)
{
    size_t slot = slot_of(index, message->id);

    while (index->slots[slot] != NULL)
        slot = (slot + 1) & (index->slot_count - 1);
    index->slots[slot] = message;
}

static void grow_slots(struct queue_index *index)
{
    struct queued_message **old = index->slots;
    size_t old_count = index->slot_count;

    index->slot_count = old_count == 0 ? FEWEST_SLOTS : old_count * 2;
    index->slots = memory_alloc_array(index->slot_count, sizeof(*index->slots));
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] != NULL)
            put_slot(index, old[i]);
    }
    memory_free(old);
}

/* Closes the gap, so that no probe ends too early. */
static void clear_slot(struct queue_index *index, size_t slot)
{
    size_t mask = index->slot_count - 1;
    size_t next = slot;

    index->slots[slot] = NULL;
    for (;;) {
        size_t home;

        next = (next + 1) & mask;
        if (index->slots[next] == NULL)
            return;
        home = slot_of(index, index->slots[next]->id);
        if (((next - home) & mask) < ((next - slot) & mask))
            continue;
        index->slots[slot] = index->slots[next];
        index->slots[next] = NULL;
        slot = next;
    }
}

struct queue_index *queue_index_create(void)
{
    struct queue_index *index = memory_alloc(sizeof(*index));

    list_init(&index->ready[0]);
    list_init(&index->ready[1]);
    grow_slots(index);
    return index;
}

void queue_index_destroy(struct queue_index **index)
{
    if (*index == NULL)
        return;
    for (size_t i = 0; i < (*index)->slot_count; i++)
        memory_free((*index)->slots[i]);
    memory_free((*index)->slots);
    memory_free((*index)->heap);
    memory_free(*index);
    *index = NULL;
}

size_t queue_index_count(const struct queue_index *index)
{
    return index->count;
}

struct queued_message *queue_index_find(const struct queue_index *index, struct queue_id id)
{
    size_t slot = slot_of(index, id);

    while (index->slots[slot] != NULL && !queue_id_equal(index->slots[slot]->id, id))
        slot = (slot + 1) & (index->slot_count - 1);
    return index->slots[slot];
}

struct queued_message *queue_index_add(struct queue_index *index, struct queue_id id, enum spool_queue queue)
{
    struct queued_message *message = memory_alloc(sizeof(*message));

    CHECK(queue_index_find(index, id) == NULL);
    message->id = id;
    message->queue = (unsigned char) queue;
    list_init(&message->ready);
    list_init(&message->sibling);
    if ((index->count + 1) * 4 > index->slot_count * 3)
        grow_slots(index);
    put_slot(index, message);
    index->count++;
    return message;
}

/* ---- the heap of next attempts ---- */

static void heap_put(struct queue_index *index, size_t place, struct queued_message *message)
{
    index->heap[place] = message;
    message->heap_place = (uint32_t) place;
}

static void sift_up(struct queue_index *index, size_t place, struct queued_message *message)
{
    while (place > 1 && message->next_attempt < index->heap[place / 2]->next_attempt) {
        heap_put(index, place, index->heap[place / 2]);
        place /= 2;
    }
    heap_put(index, place, message);
}

static void sift_down(struct queue_index *index, size_t place, struct queued_message *message)
{
    for (;;) {
        size_t child = place * 2;

        if (child > index->heap_count)
            break;
        if (child < index->heap_count && index->heap[child + 1]->next_attempt < index->heap[child]->next_attempt)
            child++;
        if (message->next_attempt <= index->heap[child]->next_attempt)
            break;
        heap_put(index, place, index->heap[child]);
        place = child;
    }
    heap_put(index, place, message);
}

static void heap_add(struct queue_index *index, struct queued_message *message)
{
    if (index->heap_count + 1 >= index->heap_capacity) {
        index->heap_capacity = index->heap_capacity == 0 ? FEWEST_SLOTS : index->heap_capacity * 2;
        index->heap = memory_resize(index->heap, index->heap_capacity * sizeof(struct queued_message *));
    }
    sift_up(index, ++index->heap_count, message);
}

static void heap_remove(struct queue_index *index, struct queued_message *message)
{
    size_t place = message->heap_place;
    struct queued_message *last = index->heap[index->heap_count--];

    message->heap_place = 0;
    if (last == message)
        return;
    if (place > 1 && last->next_attempt < index->heap[place / 2]->next_attempt)
        sift_up(index, place, last);
    else
        sift_down(index, place, last);
}

/* ---- states ---- */

static void take_out(struct queue_index *index, struct queued_message *message)
{
    if (message->heap_place != 0)
        heap_remove(index, message);
    list_remove(&message->ready);
}

void queue_index_remove(struct queue_index *index, struct queued_message *message)
{
    size_t slot = slot_of(index, message->id);

    take_out(index, message);
    list_remove(&message->sibling);
    while (index->slots[slot] != message)
        slot = (slot + 1) & (index->slot_count - 1);
    clear_slot(index, slot);
    index->count--;
    memory_free(message);
}

void queue_index_wait(struct queue_index *index, struct queued_message *message, int64_t next_attempt_seconds)
{
    take_out(index, message);
    if (next_attempt_seconds < 0)
        next_attempt_seconds = 0;
    message->next_attempt = next_attempt_seconds < UINT32_MAX ? (uint32_t) next_attempt_seconds : UINT32_MAX;
    message->state = QUEUED_WAITING;
    heap_add(index, message);
}

void queue_index_ready(struct queue_index *index, struct queued_message *message)
{
    take_out(index, message);
    message->state = QUEUED_READY;
    list_append(&index->ready[message->was_deferred], &message->ready);
}

void queue_index_set_idle(struct queue_index *index, struct queued_message *message, enum queued_state state)
{
    take_out(index, message);
    message->state = (unsigned char) state;
}

size_t queue_index_due(struct queue_index *index, int64_t now_seconds)
{
    size_t count = 0;

    while (index->heap_count > 0 && (int64_t) index->heap[1]->next_attempt <= now_seconds) {
        queue_index_ready(index, index->heap[1]);
        count++;
    }
    return count;
}

int64_t queue_index_next_due(const struct queue_index *index)
{
    return index->heap_count > 0 ? (int64_t) index->heap[1]->next_attempt : INT64_MAX;
}

struct queued_message *queue_index_first_ready(const struct queue_index *index, bool deferred)
{
    const struct list *head = &index->ready[deferred];

    return list_is_empty(head) ? NULL : CONTAINER_OF(head->next, struct queued_message, ready);
}

struct queue_id *queue_index_ids(const struct queue_index *index, size_t *count_out)
{
    struct queue_id *ids = memory_alloc_array(index->count + 1, sizeof(*ids));
    size_t count = 0;

    for (size_t i = 0; i < index->slot_count; i++) {
        /* They lie anywhere in memory: to wait for each would take ten times as long. */
        if (i + AHEAD < index->slot_count)
            __builtin_prefetch(index->slots[i + AHEAD]);
        if (index->slots[i] != NULL)
            ids[count++] = index->slots[i]->id;
    }
    *count_out = count;
    return ids;
}
