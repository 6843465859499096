/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/segment_ledger.h"

#include "base/memory.h"
#include "log/log.h"
#include "qmgr/segment_reading.h"
#include "run/loop.h"
#include "run/worker.h"

#include <stdlib.h>

/* ---- the past ---- */

static void add_past(struct live_segment *segment, const struct ledger_record *record)
{
    if (segment->past_count == segment->past_capacity) {
        segment->past_capacity = segment->past_capacity == 0 ? 64 : segment->past_capacity * 2;
        segment->past = memory_resize(segment->past, segment->past_capacity * sizeof(*segment->past));
    }
    segment->past[segment->past_count++] = *record;
}

void segment_ledger_see(void *context, const struct ledger_record *record)
{
    if (record->type != LEDGER_DEFERRED && record->type != LEDGER_FAILED)
        add_past(context, record);
}

static int compare_records(const void *a, const void *b)
{
    const struct ledger_record *first = a;
    const struct ledger_record *second = b;

    if (first->frame_offset != second->frame_offset)
        return first->frame_offset < second->frame_offset ? -1 : 1;
    return first->recipient < second->recipient ? -1 : first->recipient > second->recipient;
}

void segment_ledger_sort_past(struct live_segment *segment)
{
    if (segment->past_count > 1)
        qsort(segment->past, segment->past_count, sizeof(*segment->past), compare_records);
}

void segment_ledger_remember(struct queued_message *message, uint32_t recipient, enum ledger_type type)
{
    struct ledger_record record = {
        .frame_offset = live_segments_frame_offset(message), .recipient = recipient, .type = type, .id = message->id
    };
    size_t place;

    add_past(message->segment, &record);
    for (place = message->segment->past_count - 1; place > 0; place--) {
        if (compare_records(&message->segment->past[place - 1], &record) <= 0)
            break;
        message->segment->past[place] = message->segment->past[place - 1];
    }
    message->segment->past[place] = record;
}

const struct ledger_record *segment_ledger_past(const struct queued_message *message, size_t *count_out)
{
    const struct live_segment *segment = message->segment;

    return ledger_records_of(segment->past, segment->past_count, live_segments_frame_offset(message), count_out);
}

void segment_ledger_apply_past(const struct queued_message *message, struct envelope *envelope)
{
    size_t count;
    const struct ledger_record *records = segment_ledger_past(message, &count);

    for (size_t i = 0; i < count; i++) {
        if (records[i].recipient < envelope->recipient_count &&
            (records[i].type == LEDGER_DELIVERED || records[i].type == LEDGER_RETURNED))
            envelope->recipients[records[i].recipient].status =
                records[i].type == LEDGER_DELIVERED ? RECIPIENT_DELIVERED : RECIPIENT_RETURNED;
    }
}

/* ---- records ---- */

bool segment_ledger_record(struct queued_message *message, enum ledger_type type, unsigned detail, uint32_t recipient,
                           struct failure *why)
{
    struct ledger_record record = { .frame_offset = live_segments_frame_offset(message),
                                    .recipient = recipient,
                                    .type = type,
                                    .detail = detail,
                                    .seconds = keeper_now(),
                                    .id = message->id };

    return ledger_append(message->segment->ledger, &record, 1, why);
}

/* ---- durable ---- */

struct sync_job {
    struct ledger *ledger;
    bool is_synced;
    struct failure why;
};

static void sync_ledger(void *context)
{
    struct sync_job *job = context;

    job->is_synced = ledger_sync(job->ledger, &job->why);
}

bool segment_ledger_sync(struct keeper *keeper, unsigned number, struct failure *why)
{
    struct live_segment *segment;
    struct sync_job *job;
    bool is_synced;

    /* Looked up after each wait: it may be gone, and then it was synced before. */
    while ((segment = live_segments_find(keeper, number)) != NULL && segment->is_syncing)
        keeper_wait_change(keeper);
    if (segment == NULL || segment->ledger == NULL || !ledger_is_dirty(segment->ledger))
        return true;
    segment->is_syncing = true;
    job = memory_alloc(sizeof(*job));
    job->ledger = segment->ledger;
    is_synced = worker_run(keeper->ledgers, sync_ledger, job, NULL, DURATION_FOREVER, &job->why) && job->is_synced;
    if (!is_synced)
        *why = job->why;
    memory_free(job);
    segment->is_syncing = false;
    event_wake_all(&keeper->changed);
    return is_synced;
}

bool segment_ledger_sync_all(struct keeper *keeper, struct failure *why)
{
    bool is_synced = true;
    unsigned numbers[SEGMENT_NUMBER_MAXIMUM];
    size_t count = 0;

    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        struct live_segment *segment = CONTAINER_OF(node, struct live_segment, node);

        if (segment->ledger != NULL && ledger_is_dirty(segment->ledger))
            numbers[count++] = segment->number;
    }
    for (size_t i = 0; i < count; i++) {
        if (!segment_ledger_sync(keeper, numbers[i], why))
            is_synced = false;
    }
    return is_synced;
}

static void sync_in_fiber(void *context)
{
    struct keeper *keeper = context;
    struct failure why;

    if (!segment_ledger_sync_all(keeper, &why))
        log_warning("%s", why.text);
    keeper->finishing--;
    event_wake_all(&keeper->changed);
}

static bool is_dirty(const struct keeper *keeper)
{
    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next) {
        const struct live_segment *segment = CONTAINER_OF(node, struct live_segment, node);

        if (segment->ledger != NULL && !segment->is_syncing && ledger_is_dirty(segment->ledger))
            return true;
    }
    return false;
}

void segment_ledger_sync_soon(struct keeper *keeper)
{
    if (!is_dirty(keeper))
        return;
    keeper->finishing++;
    fiber_start(keeper->loop, sync_in_fiber, keeper);
}
