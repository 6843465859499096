/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/told_failures.h"

#include "base/list.h"
#include "base/memory.h"

/* BYTES_MAXIMUM: of all words; more is tried again rather than kept. */
enum { BUCKETS = 1024, BYTES_MAXIMUM = 16 * 1024 * 1024 };

struct told {
    struct list node;
    struct queue_id id;
    struct queue_file_outcome *outcomes;
    size_t count;
    size_t capacity;
    size_t bytes;
};

struct told_failures {
    struct list buckets[BUCKETS];
    size_t bytes;
};

static struct list *bucket_of(struct told_failures *failures, struct queue_id id)
{
    uint64_t mixed = id.value * UINT64_C(0x9E3779B97F4A7C15);

    return &failures->buckets[(mixed >> 32) % BUCKETS];
}

static struct told *find(const struct told_failures *failures, struct queue_id id)
{
    uint64_t mixed = id.value * UINT64_C(0x9E3779B97F4A7C15);
    const struct list *bucket = &failures->buckets[(mixed >> 32) % BUCKETS];

    for (struct list *node = bucket->next; node != bucket; node = node->next) {
        if (queue_id_equal(CONTAINER_OF(node, struct told, node)->id, id))
            return CONTAINER_OF(node, struct told, node);
    }
    return NULL;
}

struct told_failures *told_failures_create(void)
{
    struct told_failures *failures = memory_alloc(sizeof(*failures));

    for (size_t i = 0; i < BUCKETS; i++)
        list_init(&failures->buckets[i]);
    return failures;
}

static void drop(struct told_failures *failures, struct told *told)
{
    for (size_t i = 0; i < told->count; i++)
        memory_free((char *) told->outcomes[i].reason.data);
    failures->bytes -= told->bytes;
    list_remove(&told->node);
    memory_free(told->outcomes);
    memory_free(told);
}

void told_failures_destroy(struct told_failures **failures)
{
    if (*failures == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct list *bucket = &(*failures)->buckets[i];

        while (!list_is_empty(bucket))
            drop(*failures, CONTAINER_OF(bucket->next, struct told, node));
    }
    memory_free(*failures);
    *failures = NULL;
}

static struct queue_file_outcome *place_for(struct told *told, uint64_t number)
{
    for (size_t i = 0; i < told->count; i++) {
        if (told->outcomes[i].number == number)
            return &told->outcomes[i];
    }
    if (told->count == told->capacity) {
        told->capacity = told->capacity == 0 ? 4 : told->capacity * 2;
        told->outcomes = memory_resize(told->outcomes, told->capacity * sizeof(*told->outcomes));
    }
    told->outcomes[told->count] = (struct queue_file_outcome){ 0 };
    return &told->outcomes[told->count++];
}

void told_failures_add(struct told_failures *failures, struct queue_id id, const struct queue_file_outcome *outcome)
{
    size_t bytes = sizeof(*outcome) + outcome->reason.len;
    struct told *told = find(failures, id);
    struct queue_file_outcome *place;
    char *words;

    if (failures->bytes + bytes > BYTES_MAXIMUM)
        return;
    if (told == NULL) {
        told = memory_alloc(sizeof(*told));
        told->id = id;
        list_append(bucket_of(failures, id), &told->node);
    }
    words = memory_alloc(outcome->reason.len + 1);
    if (outcome->reason.len > 0)
        memcpy(words, outcome->reason.data, outcome->reason.len);
    place = place_for(told, outcome->number);
    memory_free((char *) place->reason.data);
    *place = *outcome;
    place->reason = str_make(words, outcome->reason.len);
    told->bytes += bytes;
    failures->bytes += bytes;
}

const struct queue_file_outcome *told_failures_of(const struct told_failures *failures, struct queue_id id,
                                                  size_t *count_out)
{
    const struct told *told = find(failures, id);

    *count_out = told == NULL ? 0 : told->count;
    return told == NULL ? NULL : told->outcomes;
}

void told_failures_apply(const struct told_failures *failures, struct queue_id id, struct arena *arena,
                         struct envelope *envelope)
{
    size_t count;
    const struct queue_file_outcome *outcomes = told_failures_of(failures, id, &count);

    for (size_t i = 0; i < count; i++) {
        struct envelope_recipient *recipient;

        if (outcomes[i].number >= envelope->recipient_count)
            continue;
        recipient = &envelope->recipients[outcomes[i].number];
        if (recipient->status != RECIPIENT_PENDING)
            continue;
        recipient->status = RECIPIENT_FAILED;
        recipient->dsn = outcomes[i].dsn;
        recipient->reason = arena_str(arena, outcomes[i].reason);
    }
}

void told_failures_forget(struct told_failures *failures, struct queue_id id)
{
    struct told *told = find(failures, id);

    if (told != NULL)
        drop(failures, told);
}
