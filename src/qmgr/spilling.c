/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/spilling.h"

#include "base/memory.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "protocol/spill.h"
#include "qmgr/live_segments.h"
#include "qmgr/removal.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/told_failures.h"
#include "run/loop.h"

#include <stdio.h>

enum { MOVING_MAXIMUM = 2000, BATCH_BYTES = 4 * 1024 * 1024, WARNING_SECONDS = 60 };

/* One message that waits for spill's answer; lives in the waiting fiber's frame. */
struct pending {
    struct list node;
    struct spill_item item;
    size_t size;
    bool is_answered;
    struct spill_result result;
    char reason[200];
    struct event answered;
};

struct spiller {
    struct keeper *keeper;
    struct endpoint *endpoint;
    struct list waiting;
    unsigned senders;
    int64_t last_warning;
};

enum { SENDERS_MAXIMUM = 3 };

struct spiller *spiller_create(struct keeper *keeper)
{
    struct spiller *spiller = memory_alloc(sizeof(*spiller));

    spiller->keeper = keeper;
    spiller->endpoint = daemon_endpoint(keeper->daemon, "private/spill", &spill_protocol);
    list_init(&spiller->waiting);
    return spiller;
}

void spiller_destroy(struct spiller **spiller)
{
    memory_free(*spiller);
    *spiller = NULL;
}

/* ---- batches ---- */

static size_t take_batch(struct spiller *spiller, struct pending **batch)
{
    size_t count = 0;
    size_t bytes = 0;

    while (count < SPILL_BATCH_MAXIMUM && !list_is_empty(&spiller->waiting)) {
        struct pending *pending = CONTAINER_OF(spiller->waiting.next, struct pending, node);

        if (count > 0 && bytes + pending->size > BATCH_BYTES)
            break;
        bytes += pending->size;
        list_remove(&pending->node);
        batch[count++] = pending;
    }
    return count;
}

static void answer(struct pending *pending, const struct spill_result *result, const char *reason)
{
    pending->is_answered = true;
    pending->result.is_done = result != NULL && result->is_done;
    pending->result.is_damaged = result != NULL && result->is_damaged;
    snprintf(pending->reason, sizeof(pending->reason), "%.*s", (int) sizeof(pending->reason) - 1, reason);
    event_wake_all(&pending->answered);
}

static bool ask(struct spiller *spiller, struct pending **batch, size_t count, struct arena *arena,
                struct spill_reply **reply_out, struct failure *why)
{
    struct spill_item *items = arena_new_array(arena, count, struct spill_item);
    struct spill_request request = { { items, count } };
    void *reply;

    for (size_t i = 0; i < count; i++)
        items[i] = batch[i]->item;
    if (!endpoint_ask(spiller->endpoint, &spill_request_message, &request, &spill_reply_message, arena,
                      spiller->keeper->settings->ipc_timeout, &reply, why))
        return false;
    *reply_out = reply;
    return (*reply_out)->results.count == count ||
           failure_set(why, FAILURE_PROTOCOL, 0, "spill answered for another number of messages");
}

static void send_batch(struct spiller *spiller)
{
    struct pending **batch = memory_alloc_array(SPILL_BATCH_MAXIMUM, sizeof(struct pending *));
    size_t count = take_batch(spiller, batch);
    struct arena *arena = arena_create();
    struct spill_reply *reply;
    struct failure why;

    if (ask(spiller, batch, count, arena, &reply, &why)) {
        struct spill_result *results = reply->results.items;

        for (size_t i = 0; i < count; i++)
            answer(batch[i], &results[i], arena_c(arena, results[i].reason));
    } else {
        for (size_t i = 0; i < count; i++)
            answer(batch[i], NULL, why.text);
    }
    arena_destroy(&arena);
    memory_free(batch);
}

static void sender(void *context)
{
    struct spiller *spiller = context;

    while (!list_is_empty(&spiller->waiting))
        send_batch(spiller);
    spiller->senders--;
}

static void wait_for_answer(struct spiller *spiller, struct pending *pending)
{
    struct failure ignored;

    event_init(&pending->answered);
    list_append(&spiller->waiting, &pending->node);
    if (spiller->senders < SENDERS_MAXIMUM) {
        spiller->senders++;
        fiber_start(spiller->keeper->loop, sender, spiller);
    }
    while (!pending->is_answered)
        (void) !event_wait(spiller->keeper->loop, &pending->answered, DURATION_FOREVER, &ignored);
}

/* ---- one message ---- */

/* What an earlier queue manager recorded of it: the file does not see the ledger. */
static size_t add_past(const struct queued_message *message, struct spill_outcome *items, size_t most)
{
    size_t count;
    size_t added = 0;
    const struct ledger_record *records = segment_ledger_past(message, &count);

    for (size_t i = 0; i < count && added < most; i++) {
        if (records[i].type == LEDGER_DELIVERED || records[i].type == LEDGER_RETURNED)
            items[added++] =
                (struct spill_outcome){ .index = records[i].recipient,
                                        .status = records[i].type == LEDGER_DELIVERED ? RECIPIENT_DELIVERED
                                                                                      : RECIPIENT_RETURNED };
    }
    return added;
}

static struct spill_outcome make_outcome(const struct queue_file_outcome *outcome, struct arena *arena)
{
    char *dsn = arena_alloc(arena, DSN_STATUS_SIZE);

    return (struct spill_outcome){ .index = outcome->number,
                                   .status = outcome->status,
                                   .dsn = dsn_status_is_set(outcome->dsn) ? dsn_status_format(outcome->dsn, dsn)
                                                                          : STR_EMPTY,
                                   .reason = arena_str(arena, str_part(outcome->reason, 0, 1000)) };
}

/* Failures that wait to be told; whoever moves it may know more. */
static size_t add_told(const struct keeper *keeper, const struct queued_message *message, struct spill_outcome *items,
                       size_t most, struct arena *arena)
{
    size_t count;
    const struct queue_file_outcome *outcomes = told_failures_of(keeper->told_failures, message->id, &count);

    if (count > most)
        count = most;
    for (size_t i = 0; i < count; i++)
        items[i] = make_outcome(&outcomes[i], arena);
    return count;
}

static void add_outcomes(const struct keeper *keeper, struct pending *pending, const struct queued_message *message,
                         const struct queue_file_outcome *outcomes, size_t count, struct arena *arena)
{
    size_t past_count;
    size_t told_count;
    struct spill_outcome *items;
    size_t past;

    (void) segment_ledger_past(message, &past_count);
    (void) told_failures_of(keeper->told_failures, message->id, &told_count);
    items = arena_new_array(arena, past_count + told_count + count, struct spill_outcome);
    past = add_told(keeper, message, items, SPILL_OUTCOMES_MAXIMUM, arena);
    past += add_past(message, items + past, SPILL_OUTCOMES_MAXIMUM - past);
    if (count > SPILL_OUTCOMES_MAXIMUM - past)
        count = SPILL_OUTCOMES_MAXIMUM - past;
    pending->size += 64 * past;
    for (size_t i = 0; i < count; i++) {
        items[past + i] = make_outcome(&outcomes[i], arena);
        pending->size += 64 + items[past + i].reason.len;
    }
    pending->item.outcomes = (struct records){ items, past + count };
}

static void become_file(struct keeper *keeper, struct queued_message *message, enum spool_queue queue)
{
    struct failure why;

    /* Without this record the file still outranks the frame at the next recovery. */
    if (!segment_ledger_record(message, LEDGER_MOVED, queue, LEDGER_WHOLE_MESSAGE, &why))
        log_warning("%s", why.text);
    message->origin_segment = (unsigned short) message->segment->number;
    message->queue = (unsigned char) queue;
    live_segments_leave(keeper, message);
}

/* Counted in keeper->moving by the caller. */
static bool move(struct keeper *keeper, struct queued_message *message, enum spool_queue queue, int64_t next_attempt,
                 unsigned add_flags, const struct queue_file_outcome *outcomes, size_t count, struct failure *why)
{
    struct arena *arena = arena_create();
    struct pending *pending = arena_new(arena, struct pending);
    char text[QUEUE_ID_TEXT_SIZE];
    bool is_done;

    pending->item = (struct spill_item){ .queue_id = queue_id_format(message->id, text),
                                         .segment = message->segment->number,
                                         .offset = live_segments_frame_offset(message),
                                         .length = message->frame_length,
                                         .queue_name = str_from_c(spool_queue_name(queue)),
                                         .next_attempt = instant_from_seconds(next_attempt),
                                         .add_flags = add_flags };
    pending->size = 200;
    add_outcomes(keeper, pending, message, outcomes, count, arena);
    message->is_moving = true;
    removal_clear_stale(keeper, message);
    wait_for_answer(keeper->spiller, pending);
    is_done = pending->result.is_done;
    keeper->moved += is_done;
    keeper->unmoved += !is_done;
    if (is_done)
        become_file(keeper, message, queue);
    message->may_have_file = !is_done;
    if (!is_done)
        (void) failure_set(why, pending->result.is_damaged ? FAILURE_PERMANENT : FAILURE_RETRY, 0, "%s",
                           pending->reason);
    message->is_moving = false;
    event_wake_all(&keeper->changed);
    arena_destroy(&arena);
    return is_done;
}

bool spilling_move(struct keeper *keeper, struct queued_message *message, enum spool_queue queue, int64_t next_attempt,
                   unsigned add_flags, const struct queue_file_outcome *outcomes, size_t count, struct failure *why)
{
    bool is_done;

    keeper->moving++;
    is_done = move(keeper, message, queue, next_attempt, add_flags, outcomes, count, why);
    keeper->moving--;
    event_wake_all(&keeper->changed);
    return is_done;
}

/* ---- a whole segment ---- */

/* What is known so far of a message that is in delivery. */
static size_t outcomes_so_far(const struct active_message *active, struct arena *arena,
                              struct queue_file_outcome **outcomes_out)
{
    size_t count = 0;

    *outcomes_out = arena_new_array(arena, active->envelope->recipient_count, struct queue_file_outcome);
    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        const struct active_result *result = &active->results[i];
        struct queue_file_outcome outcome = { .number = i, .status = active->envelope->recipients[i].status };

        if (result->outcome == ACTIVE_SENT)
            outcome.status = RECIPIENT_DELIVERED;
        else if (result->outcome == ACTIVE_BOUNCED && outcome.status == RECIPIENT_PENDING)
            outcome.status = RECIPIENT_FAILED;
        if (outcome.status == RECIPIENT_PENDING)
            continue;
        outcome.reason = arena_str(arena, result->reason);
        if (!dsn_status_parse(result->dsn, &outcome.dsn))
            outcome.dsn = (struct dsn_status){ 0 };
        (*outcomes_out)[count++] = outcome;
    }
    return count;
}

void spilling_warn(struct keeper *keeper, const struct failure *why)
{
    struct spiller *spiller = keeper->spiller;
    int64_t now = keeper_now();

    if (now - spiller->last_warning < WARNING_SECONDS)
        return;
    spiller->last_warning = now;
    log_warning("cannot write queue files: %s; the mail stays in the journal", why->text);
}

struct journey {
    struct keeper *keeper;
    struct queued_message *message;
    enum queued_state state; /* before the move */
};

static void move_message(void *context)
{
    struct journey *journey = context;
    struct keeper *keeper = journey->keeper;
    struct queued_message *message = journey->message;
    struct queue_file_outcome *outcomes = NULL;
    struct arena *arena = arena_create();
    bool is_active = message->state == QUEUED_ACTIVE;
    enum spool_queue queue = SPOOL_INCOMING;
    size_t count = 0;
    struct failure why;

    if (is_active) {
        queue = SPOOL_ACTIVE;
        count = outcomes_so_far(message->active, arena, &outcomes);
    }
    if (!move(keeper, message, queue, keeper_now(), 0, outcomes, count, &why))
        spilling_warn(keeper, &why);
    arena_destroy(&arena);
    if (journey->state == QUEUED_READY)
        queue_index_ready(keeper->index, message);
    else if (journey->state == QUEUED_WAITING)
        queue_index_wait(keeper->index, message, message->next_attempt);
    event_wake_all(&keeper->work);
    keeper->moving--;
    keeper->finishing--;
    event_wake_all(&keeper->changed);
    memory_free(journey);
}

void spilling_start_segment(struct keeper *keeper, struct live_segment *segment)
{
    for (struct list *node = segment->messages.next; node != &segment->messages; node = node->next) {
        struct queued_message *message = CONTAINER_OF(node, struct queued_message, sibling);
        struct journey *journey;

        if (keeper->moving >= MOVING_MAXIMUM)
            return;
        if (message->is_moving || (message->state == QUEUED_ACTIVE && message->active == NULL))
            continue;
        journey = memory_alloc(sizeof(*journey));
        journey->keeper = keeper;
        journey->message = message;
        journey->state = (enum queued_state) message->state;
        /* From here on, not only from the fiber's start: nobody else may take it up in between. */
        message->is_moving = true;
        if (message->state != QUEUED_ACTIVE)
            queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
        keeper->moving++;
        keeper->finishing++;
        fiber_start(keeper->loop, move_message, journey);
    }
}
