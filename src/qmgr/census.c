/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/census.h"

#include "qmgr/loader.h"
#include "qmgr/log_lines.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/success.h"
#include "qmgr/told_failures.h"
#include "qmgr/walker.h"
#include "run/loop.h"
#include "spool/queue_file.h"

#include <errno.h>

enum {
    /* An agent that still has a delivery in hand says so every two seconds. */
    IN_HAND_SECONDS = 15,
    /* After one outcome: so long that every other agent with the same message in hand has said so. */
    OTHERS_SECONDS = 4,
    AT_ONCE = 200,
    REASON_KEPT = 1000,
    /* What cannot be recorded now; below RECORD_SECONDS of those who tell. */
    PAUSE_MAXIMUM_SECONDS = 60,
    TRIES_SECONDS = 240,
};

/* One outcome on its way to the disk. */
struct keeping {
    struct keeper *keeper;
    const struct deliver_outcome *outcome;
    bool is_done;
    struct failure why;
};

static struct queue_file_outcome outcome_of(const struct deliver_result *result)
{
    struct queue_file_outcome outcome = { .number = result->index,
                                          .status = RECIPIENT_PENDING,
                                          .reason = str_part(result->reason, 0, REASON_KEPT) };

    if (result->status == DELIVER_SENT)
        outcome.status = RECIPIENT_DELIVERED;
    else if (result->status == DELIVER_BOUNCED)
        outcome.status = RECIPIENT_FAILED;
    if (!dsn_status_parse(result->dsn, &outcome.dsn))
        outcome.dsn = (struct dsn_status){ 0 };
    return outcome;
}

static bool has_status(const struct deliver_outcome *outcome, enum deliver_status status)
{
    const struct deliver_result *results = outcome->results.items;

    for (size_t i = 0; i < outcome->results.count; i++) {
        if (results[i].status == (uint64_t) status)
            return true;
    }
    return false;
}

static size_t list_outcomes(const struct deliver_outcome *outcome, struct arena *arena,
                            struct queue_file_outcome **outcomes_out)
{
    const struct deliver_result *results = outcome->results.items;

    *outcomes_out = arena_new_array(arena, outcome->results.count, struct queue_file_outcome);
    for (size_t i = 0; i < outcome->results.count; i++)
        (*outcomes_out)[i] = outcome_of(&results[i]);
    return outcome->results.count;
}

static bool record_in_ledger(struct keeper *keeper, struct queued_message *message,
                             const struct deliver_outcome *outcome, struct failure *why)
{
    const struct deliver_result *results = outcome->results.items;

    for (size_t i = 0; i < outcome->results.count; i++) {
        struct queue_file_outcome kept = outcome_of(&results[i]);

        if (kept.status == RECIPIENT_PENDING)
            continue;
        if (!segment_ledger_record(message, kept.status == RECIPIENT_DELIVERED ? LEDGER_DELIVERED : LEDGER_FAILED, 0,
                                   (uint32_t) kept.number, why))
            return false;
        /* A failure needs its words, for the notification, and the ledger has no room for them. */
        if (kept.status == RECIPIENT_DELIVERED)
            segment_ledger_remember(message, (uint32_t) kept.number, LEDGER_DELIVERED);
        else
            told_failures_add(keeper->told_failures, message->id, &kept);
    }
    return true;
}

struct append_job {
    char path[SPOOL_PATH_SIZE];
    struct queue_file_outcome *outcomes;
    size_t count;
    bool is_done;
    struct failure why;
};

static void append(void *context)
{
    struct append_job *job = context;

    job->is_done = queue_file_append(job->path, job->outcomes, job->count, 0, clock_now(), false, &job->why) ||
                   job->why.error == ENOENT;
}

static bool record_in_file(struct keeper *keeper, struct queued_message *message, const struct deliver_outcome *outcome,
                           struct failure *why)
{
    struct arena *arena = arena_create();
    struct append_job *job = arena_new(arena, struct append_job);
    bool is_done;

    loader_file_path(keeper, message, job->path);
    job->count = list_outcomes(outcome, arena, &job->outcomes);
    message->is_moving = true;
    keeper_block(keeper, append, job);
    message->is_moving = false;
    event_wake_all(&keeper->changed);
    /* What is not recorded of a failure is found out again; of a delivery it would be a second one. */
    is_done = job->is_done || !has_status(outcome, DELIVER_SENT);
    if (!is_done)
        *why = job->why;
    arena_destroy(&arena);
    return is_done;
}

static bool record(struct keeper *keeper, struct queued_message *message, const struct deliver_outcome *outcome,
                   struct failure *why)
{
    if (message->segment == NULL)
        return record_in_file(keeper, message, outcome, why);
    return record_in_ledger(keeper, message, outcome, why);
}

/* Found again after each wait: it may be gone then. NULL: nobody needs to know any more. */
static struct queued_message *find_resting(struct keeper *keeper, struct queue_id id)
{
    struct queued_message *message = walker_take_up(keeper, id);

    while (message != NULL && message->is_moving) {
        keeper_wait_change(keeper);
        message = queue_index_find(keeper->index, id);
    }
    return message == NULL || message->state == QUEUED_ACTIVE ? NULL : message;
}

/* Nobody else takes it up until queue_again. */
static struct queued_message *take_in_hand(struct keeper *keeper, struct queue_id id)
{
    struct queued_message *message = find_resting(keeper, id);

    if (message != NULL && message->queue != SPOOL_HOLD)
        queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    return message;
}

static void queue_again(struct keeper *keeper, struct queued_message *message)
{
    if (message->queue == SPOOL_HOLD)
        return;
    if (message->is_inherited)
        queue_index_wait(keeper->index, message, keeper_now() + OTHERS_SECONDS);
    else
        queue_index_ready(keeper->index, message);
    event_wake_all(&keeper->work);
}

/* Until the disk takes it again: who told it waits so long, and the rest of the mail goes on. */
static struct queued_message *record_patiently(struct keeping *keeping, struct queued_message *message)
{
    struct keeper *keeper = keeping->keeper;
    struct instant end = instant_add(loop_now(keeper->loop), seconds(TRIES_SECONDS));
    struct queue_id id = message->id;
    int pause = 1;

    while (message != NULL && !(keeping->is_done = record(keeper, message, keeping->outcome, &keeping->why))) {
        if (keeper->is_draining || !instant_is_before(loop_now(keeper->loop), end))
            return message;
        log_message_problem(keeping->outcome->queue_id, "cannot record outcomes", &keeping->why);
        fiber_sleep(keeper->loop, seconds(pause));
        pause = pause * 2 < PAUSE_MAXIMUM_SECONDS ? pause * 2 : PAUSE_MAXIMUM_SECONDS;
        message = take_in_hand(keeper, id);
    }
    /* Gone meanwhile: then nobody needs to know. */
    keeping->is_done = true;
    return message;
}

static void keep(void *context)
{
    struct keeping *keeping = context;
    const struct deliver_outcome *outcome = keeping->outcome;
    struct keeper *keeper = keeping->keeper;
    struct queued_message *message;
    struct queue_id id;

    keeping->is_done = true;
    if (!queue_id_parse(outcome->queue_id, &id))
        return;
    message = take_in_hand(keeper, id);
    /* Before the record: a crash in between tells it twice rather than never. */
    if (message != NULL && outcome->wants_notice) {
        success_tell_outcome(keeper, id, outcome);
        message = take_in_hand(keeper, id);
    }
    if (message == NULL)
        return;
    if (!outcome->is_recorded)
        message = record_patiently(keeping, message);
    if (message != NULL)
        queue_again(keeper, message);
}

static bool keep_some(struct keeper *keeper, const struct deliver_outcome *outcomes, size_t count, struct failure *why)
{
    struct arena *arena = arena_create();
    struct keeping *keepings = arena_new_array(arena, count, struct keeping);
    struct fiber_group fibers;
    struct failure ignored;
    bool is_done = true;

    fiber_group_init(&fibers, keeper->loop);
    for (size_t i = 0; i < count; i++) {
        keepings[i].keeper = keeper;
        keepings[i].outcome = &outcomes[i];
        fiber_group_start(&fibers, keep, &keepings[i]);
    }
    while (!fiber_group_wait(&fibers, DURATION_FOREVER, &ignored))
        ;
    for (size_t i = 0; i < count && is_done; i++) {
        is_done = keepings[i].is_done;
        if (!is_done)
            *why = keepings[i].why;
    }
    arena_destroy(&arena);
    return is_done;
}

/* What is delivered or has failed is kept; what is deferred keeps its reason where it can, and is tried again. */
bool census_unrecorded(void *context, const struct deliver_outcome *outcomes, size_t count, struct failure *why)
{
    const struct keeper *keeper = context;
    bool is_done = !keeper->has_left || failure_set(why, FAILURE_STOPPED, 0, "another queue manager is there now");

    for (size_t from = 0; from < count && is_done; from += AT_ONCE)
        is_done = keep_some(context, outcomes + from, count - from < AT_ONCE ? count - from : AT_ONCE, why);
    return is_done;
}

void census_in_hand(void *context, const struct deliver_in_hand *delivery)
{
    struct keeper *keeper = context;
    struct queued_message *message;
    struct queue_id id;

    if (keeper->has_left || !queue_id_parse(delivery->queue_id, &id))
        return;
    message = walker_take_up(keeper, id);
    if (message == NULL || message->is_moving || message->queue == SPOOL_HOLD ||
        (message->state != QUEUED_READY && message->state != QUEUED_WAITING))
        return;
    message->is_inherited = true;
    queue_index_wait(keeper->index, message, keeper_now() + IN_HAND_SECONDS);
}
