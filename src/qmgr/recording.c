/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/recording.h"

#include "base/memory.h"
#include "qmgr/loader.h"
#include "qmgr/segment_ledger.h"
#include "run/loop.h"

#include <errno.h>

enum { REASON_KEPT = 1000 };

struct queue_file_outcome recording_outcome(const struct active_message *active, size_t place)
{
    const struct envelope_recipient *recipient = &active->envelope->recipients[place];
    const struct active_result *result = &active->results[place];
    struct queue_file_outcome outcome = {
        .number = place, .status = recipient->status, .dsn = recipient->dsn, .reason = recipient->reason
    };

    if (recipient->status != RECIPIENT_PENDING || result->outcome == ACTIVE_PENDING)
        return outcome;
    if (result->outcome == ACTIVE_SENT)
        outcome.status = RECIPIENT_DELIVERED;
    else if (result->outcome == ACTIVE_BOUNCED)
        outcome.status = RECIPIENT_FAILED;
    outcome.reason = str_part(result->reason, 0, REASON_KEPT);
    if (!dsn_status_parse(result->dsn, &outcome.dsn))
        outcome.dsn = (struct dsn_status){ 0 };
    return outcome;
}

struct append_job {
    char path[SPOOL_PATH_SIZE];
    struct queue_file_outcome *outcomes;
    size_t count;
    uint64_t end;
    bool is_done;
    struct failure why;
};

/* A file that somebody removed has nothing to record in. */
static void append_outcomes(void *context)
{
    struct append_job *job = context;

    job->is_done =
        queue_file_append_more(job->path, job->outcomes, job->count, &job->end, &job->why) || job->why.error == ENOENT;
}

/* Agents report at the same time; two appends at one place would spoil each other. */
static void append_in_turn(struct keeper *keeper, struct active_message *active, struct append_job *job)
{
    while (active->is_recording)
        keeper_wait_change(keeper);
    active->is_recording = true;
    job->end = active->status_end;
    keeper_block(keeper, append_outcomes, job);
    active->status_end = job->is_done ? job->end : 0;
    active->is_recording = false;
    event_wake_all(&keeper->changed);
}

static bool record_in_file(struct keeper *keeper, struct active_message *active, const size_t *places, size_t count,
                           struct failure *why)
{
    struct arena *arena = arena_create();
    struct append_job *job = arena_new(arena, struct append_job);
    bool is_done;

    loader_file_path(keeper, active->origin, job->path);
    job->outcomes = arena_new_array(arena, count, struct queue_file_outcome);
    for (size_t i = 0; i < count; i++) {
        struct queue_file_outcome outcome = recording_outcome(active, places[i]);

        /* What is deferred is as untried after a crash: it is written when the message is deferred as a whole. */
        if (outcome.status == RECIPIENT_PENDING)
            continue;
        outcome.number = active_number(active, places[i]);
        outcome.reason = arena_str(arena, outcome.reason);
        job->outcomes[job->count++] = outcome;
    }
    if (job->count > 0)
        append_in_turn(keeper, active->whole, job);
    is_done = job->count == 0 || job->is_done;
    if (!is_done)
        *why = job->why;
    arena_destroy(&arena);
    return is_done;
}

static bool record_in_ledger(struct queued_message *message, const size_t *places, size_t count, struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        enum recipient_status status = recording_outcome(message->active, places[i]).status;
        enum ledger_type type = status == RECIPIENT_DELIVERED ? LEDGER_DELIVERED
                                : status == RECIPIENT_FAILED  ? LEDGER_FAILED
                                                              : LEDGER_DEFERRED;

        if (!segment_ledger_record(message, type, 0, (uint32_t) places[i], why))
            return false;
    }
    return true;
}

bool recording_record(void *context, struct active_message *active, const size_t *places, size_t count,
                      struct failure *why)
{
    struct keeper *keeper = context;
    struct queued_message *message = active->origin;

    /* A spill under way writes what was known when it began; what comes later belongs into the file. */
    keeper_wait_moved(keeper, message);
    if (message->must_delete)
        return true;
    if (message->segment != NULL)
        return record_in_ledger(message, places, count, why);
    return record_in_file(keeper, active, places, count, why);
}

bool recording_append(struct keeper *keeper, struct active_message *active, struct queue_file_outcome *outcomes,
                      size_t count, struct failure *why)
{
    struct append_job *job = memory_alloc(sizeof(*job));
    bool is_done;

    loader_file_path(keeper, active->origin, job->path);
    job->outcomes = outcomes;
    job->count = count;
    append_in_turn(keeper, active->whole, job);
    is_done = job->is_done;
    if (!is_done)
        *why = job->why;
    memory_free(job);
    return is_done;
}
