/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/census.h"

#include "qmgr/loader.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/walker.h"
#include "run/loop.h"
#include "spool/queue_file.h"

#include <errno.h>

/* How long an agent from before is given to finish what it has in hand. */
enum { IN_HAND_SECONDS = 120 };

static bool record_in_ledger(struct queued_message *message, const struct deliver_outcome *outcome, struct failure *why)
{
    const struct deliver_result *results = outcome->results.items;

    for (size_t i = 0; i < outcome->results.count; i++) {
        if (results[i].status != DELIVER_SENT)
            continue;
        if (!segment_ledger_record(message, LEDGER_DELIVERED, 0, (uint32_t) results[i].index, why))
            return false;
        segment_ledger_remember(message, (uint32_t) results[i].index, LEDGER_DELIVERED);
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
    const struct deliver_result *results = outcome->results.items;
    struct arena *arena = arena_create();
    struct append_job *job = arena_new(arena, struct append_job);
    bool is_done;

    loader_file_path(keeper, message, job->path);
    job->outcomes = arena_new_array(arena, outcome->results.count, struct queue_file_outcome);
    for (size_t i = 0; i < outcome->results.count; i++) {
        if (results[i].status == DELIVER_SENT)
            job->outcomes[job->count++] =
                (struct queue_file_outcome){ .number = results[i].index, .status = RECIPIENT_DELIVERED };
    }
    if (job->count > 0)
        keeper_block(keeper, append, job);
    is_done = job->count == 0 || job->is_done;
    if (!is_done)
        *why = job->why;
    arena_destroy(&arena);
    return is_done;
}

/* Failures and deferrals are not kept: these recipients are tried again. */
bool census_unrecorded(void *context, const struct deliver_outcome *outcome, struct failure *why)
{
    struct keeper *keeper = context;
    struct queued_message *message;
    struct queue_id id;
    bool is_done;

    if (!queue_id_parse(outcome->queue_id, &id))
        return true;
    message = walker_take_up(keeper, id);
    if (message == NULL || message->state == QUEUED_ACTIVE)
        return true;
    keeper_wait_moved(keeper, message);
    is_done = message->segment != NULL ? record_in_ledger(message, outcome, why)
                                       : record_in_file(keeper, message, outcome, why);
    if (is_done && message->state == QUEUED_WAITING && !message->was_deferred)
        queue_index_ready(keeper->index, message);
    return is_done;
}

void census_in_hand(void *context, const struct deliver_in_hand *delivery)
{
    struct keeper *keeper = context;
    struct queued_message *message;
    struct queue_id id;

    if (!queue_id_parse(delivery->queue_id, &id))
        return;
    message = walker_take_up(keeper, id);
    if (message != NULL && message->state == QUEUED_READY)
        queue_index_wait(keeper->index, message, keeper_now() + IN_HAND_SECONDS);
}
