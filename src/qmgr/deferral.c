/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/deferral.h"

#include "qmgr/control.h"
#include "qmgr/loader.h"
#include "qmgr/log_lines.h"
#include "qmgr/removal.h"
#include "qmgr/requeue.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/site_marks.h"
#include "qmgr/spilling.h"
#include "qmgr/told_failures.h"

#include <errno.h>

struct defer_job {
    char path[SPOOL_PATH_SIZE];
    struct queue_id id;
    const struct deferral *deferral;
    const struct spool_settings *spool;
    bool is_done;
    bool is_moved;
    struct failure why;
};

static void defer_file(void *context)
{
    struct defer_job *job = context;
    const struct deferral *deferral = job->deferral;

    job->is_done = queue_file_append(job->path, deferral->outcomes, deferral->count, deferral->add_flags,
                                     instant_from_seconds(deferral->next_attempt), true, &job->why);
    if (job->is_done)
        job->is_moved = spool_move(job->spool, job->id, job->path, deferral->queue, false, &job->why);
}

static bool defer_in_file(struct keeper *keeper, struct queued_message *message, const struct deferral *deferral,
                          struct arena *arena, struct failure *why)
{
    struct defer_job *job = arena_new(arena, struct defer_job);

    loader_file_path(keeper, message, job->path);
    job->id = message->id;
    job->deferral = deferral;
    job->spool = &keeper->spool;
    keeper_block(keeper, defer_file, job);
    if (job->is_moved)
        message->queue = (unsigned char) deferral->queue;
    else
        *why = job->why;
    return job->is_done;
}

/* What the message goes on with if it must stay in the journal. */
static void remember_finished(struct keeper *keeper, struct queued_message *message)
{
    const struct envelope *envelope = message->active->envelope;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (envelope->recipients[i].status == RECIPIENT_DELIVERED)
            segment_ledger_remember(message, (uint32_t) i, LEDGER_DELIVERED);
        else if (envelope->recipients[i].status == RECIPIENT_RETURNED)
            segment_ledger_remember(message, (uint32_t) i, LEDGER_RETURNED);
        else if (envelope->recipients[i].status == RECIPIENT_FAILED)
            told_failures_add(keeper->told_failures, message->id,
                              &(struct queue_file_outcome){ .number = i,
                                                            .status = RECIPIENT_FAILED,
                                                            .dsn = envelope->recipients[i].dsn,
                                                            .reason = envelope->recipients[i].reason });
    }
}

static void put_back(struct keeper *keeper, struct queued_message *message, const struct deferral *deferral)
{
    /* A flush that came while it was in delivery, or on its way to its file, is for it too. */
    bool is_flushed = message->is_flushed || instant_is_before(message->active->activated, keeper->last_flush);
    int64_t next_attempt = is_flushed ? keeper_now() : deferral->next_attempt;

    message->is_flushed = is_flushed;
    message->sites = message->active->portions == NULL ? site_marks_of(message->active->envelope) : 0;
    loader_release(keeper, message);
    message->must_hold = false;
    message->was_deferred = deferral->queue == SPOOL_DEFERRED;
    if (message->queue == SPOOL_HOLD)
        queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    else
        queue_index_wait(keeper->index, message, next_attempt);
}

/* What was asked for while it was in delivery. If it cannot be done, the message is deferred like any other. */
static void requeue_deferred(struct keeper *keeper, struct queued_message *message, int64_t next_attempt)
{
    char text[QUEUE_ID_TEXT_SIZE];
    struct failure why = { 0 };

    message->must_requeue = false;
    queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    message->is_moving = true;
    if (requeue_to_maildrop(keeper, message, &why) && removal_delete(keeper, message))
        return;
    log_message_problem(queue_id_format(message->id, text), "cannot be requeued", &why);
    message->is_moving = false;
    queue_index_wait(keeper->index, message, next_attempt);
}

void deferral_defer(struct keeper *keeper, struct queued_message *message, const struct deferral *deferral,
                    struct arena *arena)
{
    char text[QUEUE_ID_TEXT_SIZE];
    bool is_done, must_hold;
    struct failure why;

    if (message->segment != NULL) {
        is_done = spilling_move(keeper, message, deferral->queue, deferral->next_attempt, deferral->add_flags,
                                deferral->outcomes, deferral->count, &why);
        if (!is_done) {
            spilling_warn(keeper, &why);
            remember_finished(keeper, message);
        }
    } else {
        is_done = defer_in_file(keeper, message, deferral, arena, &why);
        if (!is_done && why.error != ENOENT)
            log_message_problem(message->active->id_text, NULL, &why);
    }
    must_hold = message->must_hold && message->queue != SPOOL_HOLD;
    put_back(keeper, message, deferral);
    /* Asked for after it was decided where it goes. */
    if (must_hold && !control_hold(keeper, message, &why))
        log_message_problem(queue_id_format(message->id, text), "cannot be put on hold", &why);
    if (message->must_requeue && message->segment == NULL && message->queue == SPOOL_DEFERRED)
        requeue_deferred(keeper, message, deferral->next_attempt);
}
