/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/finisher.h"

#include "base/memory.h"
#include "log/log.h"
#include "qmgr/live_segments.h"
#include "qmgr/loader.h"
#include "qmgr/log_lines.h"
#include "qmgr/requeue.h"
#include "qmgr/returning.h"
#include "qmgr/spilling.h"
#include "run/loop.h"

#include <errno.h>

enum { RETRY_SECONDS = 60, REASON_KEPT = 1000 };

/* ---- outcomes ---- */

static struct queue_file_outcome outcome_of(const struct active_message *active, size_t place)
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
    unsigned add_flags;
    struct instant next_attempt;
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

static bool record_in_file(struct keeper *keeper, struct queued_message *message, const size_t *places, size_t count,
                           struct failure *why)
{
    struct arena *arena = arena_create();
    struct append_job *job = arena_new(arena, struct append_job);
    bool is_done;

    loader_file_path(keeper, message, job->path);
    job->outcomes = arena_new_array(arena, count, struct queue_file_outcome);
    for (size_t i = 0; i < count; i++) {
        struct queue_file_outcome outcome = outcome_of(message->active, places[i]);

        /* What is deferred is as untried after a crash: it is written when the message is deferred as a whole. */
        if (outcome.status == RECIPIENT_PENDING)
            continue;
        outcome.reason = arena_str(arena, outcome.reason);
        job->outcomes[job->count++] = outcome;
    }
    if (job->count > 0)
        append_in_turn(keeper, message->active, job);
    is_done = job->count == 0 || job->is_done;
    if (!is_done)
        *why = job->why;
    arena_destroy(&arena);
    return is_done;
}

static bool record_in_ledger(struct queued_message *message, const size_t *places, size_t count, struct failure *why)
{
    for (size_t i = 0; i < count; i++) {
        enum recipient_status status = outcome_of(message->active, places[i]).status;
        enum ledger_type type = status == RECIPIENT_DELIVERED ? LEDGER_DELIVERED
                                : status == RECIPIENT_FAILED  ? LEDGER_FAILED
                                                              : LEDGER_DEFERRED;

        if (!live_segments_record(message, type, 0, (uint32_t) places[i], why))
            return false;
    }
    return true;
}

bool finisher_record(void *context, struct active_message *active, const size_t *places, size_t count,
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
    return record_in_file(keeper, message, places, count, why);
}

/* ---- removing ---- */

struct remove_job {
    char path[SPOOL_PATH_SIZE];
    bool is_done;
    struct failure why;
};

static void remove_file(void *context)
{
    struct remove_job *job = context;

    job->is_done = spool_remove(job->path, &job->why);
}

/* The ledger that says "moved" is durable before the file goes: else the frame would come back. */
static bool remove_from_disk(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    struct remove_job *job;
    bool is_done;

    if (message->origin_segment != 0 && !live_segments_sync_one(keeper, message->origin_segment, why))
        return false;
    job = memory_alloc(sizeof(*job));
    loader_file_path(keeper, message, job->path);
    keeper_block(keeper, remove_file, job);
    is_done = job->is_done;
    if (!is_done)
        *why = job->why;
    memory_free(job);
    return is_done;
}

bool finisher_delete(struct keeper *keeper, struct queued_message *message)
{
    char text[QUEUE_ID_TEXT_SIZE];
    struct failure why;
    bool is_done;

    if (message->segment != NULL)
        is_done = live_segments_record(message, LEDGER_DELETED, 0, LEDGER_WHOLE_MESSAGE, &why);
    else
        is_done = remove_from_disk(keeper, message, &why);
    if (!is_done) {
        log_warning("%s: %s", queue_id_format(message->id, text).data, why.text);
        return false;
    }
    live_segments_leave(keeper, message);
    queue_index_remove(keeper->index, message);
    return true;
}

struct stale_job {
    struct queue_id id;
    const struct spool_settings *spool;
};

static void remove_stale(void *context)
{
    struct stale_job *job = context;
    char path[SPOOL_PATH_SIZE];
    enum spool_queue queue;
    struct failure ignored;

    if (spool_find(job->spool, job->id, &queue, path, &ignored))
        (void) !spool_remove(path, &ignored);
}

/*
 * A frame from before this process: a spill that the last queue manager had asked for may have ended since, and its
 * file must not bring the message back.
 */
static void remove_stale_file(struct keeper *keeper, struct queued_message *message)
{
    struct stale_job *job;

    if (message->segment == NULL || !instant_is_before(message->segment->header.started, keeper->started))
        return;
    job = memory_alloc(sizeof(*job));
    job->id = message->id;
    job->spool = &keeper->spool;
    message->is_moving = true; /* so that no spill begins meanwhile */
    keeper_block(keeper, remove_stale, job);
    message->is_moving = false;
    event_wake_all(&keeper->changed);
    memory_free(job);
}

static void forget(struct keeper *keeper, struct queued_message *message)
{
    loader_release(keeper, message);
    live_segments_leave(keeper, message);
    queue_index_remove(keeper->index, message);
}

static void remove_message(struct keeper *keeper, struct queued_message *message)
{
    struct failure why;

    if (message->segment == NULL && !message->must_delete && !remove_from_disk(keeper, message, &why)) {
        log_warning("%.*s: %s", STR_ARG(message->active->id_text), why.text);
        loader_release(keeper, message);
        queue_index_wait(keeper->index, message, keeper_now() + RETRY_SECONDS);
        return;
    }
    remove_stale_file(keeper, message);
    log_removed(message->active->id_text);
    forget(keeper, message);
}

/* ---- deferring ---- */

struct defer_job {
    struct append_job append;
    struct queue_id id;
    enum spool_queue to;
    const struct spool_settings *spool;
    bool is_moved;
};

static void defer_file(void *context)
{
    struct defer_job *job = context;

    job->append.is_done = queue_file_append(job->append.path, job->append.outcomes, job->append.count,
                                            job->append.add_flags, job->append.next_attempt, true, &job->append.why);
    if (job->append.is_done)
        job->is_moved = spool_move(job->spool, job->id, job->append.path, job->to, false, &job->append.why);
}

struct deferral {
    enum spool_queue queue;
    int64_t next_attempt;
    unsigned add_flags;
    struct queue_file_outcome *outcomes;
    size_t count;
};

static bool defer_in_file(struct keeper *keeper, struct queued_message *message, const struct deferral *deferral,
                          struct arena *arena, struct failure *why)
{
    struct defer_job *job = arena_new(arena, struct defer_job);

    loader_file_path(keeper, message, job->append.path);
    job->append.outcomes = deferral->outcomes;
    job->append.count = deferral->count;
    job->append.add_flags = deferral->add_flags;
    job->append.next_attempt = instant_from_seconds(deferral->next_attempt);
    job->id = message->id;
    job->to = deferral->queue;
    job->spool = &keeper->spool;
    keeper_block(keeper, defer_file, job);
    if (job->is_moved)
        message->queue = (unsigned char) deferral->queue;
    else
        *why = job->append.why;
    return job->append.is_done;
}

/* What the message goes on with if it must stay in the journal. */
static void remember_finished(struct queued_message *message)
{
    const struct envelope *envelope = message->active->envelope;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (envelope->recipients[i].status == RECIPIENT_DELIVERED)
            live_segments_remember(message, (uint32_t) i, LEDGER_DELIVERED);
        else if (envelope->recipients[i].status == RECIPIENT_RETURNED)
            live_segments_remember(message, (uint32_t) i, LEDGER_RETURNED);
    }
}

static void put_back(struct keeper *keeper, struct queued_message *message, const struct deferral *deferral)
{
    /* A flush that came while it was in delivery, or on its way to its file, is for it too. */
    int64_t next_attempt =
        instant_is_before(message->active->activated, keeper->last_flush) ? keeper_now() : deferral->next_attempt;

    loader_release(keeper, message);
    message->must_hold = false;
    message->must_expire = false;
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
    if (requeue_to_maildrop(keeper, message, &why) && finisher_delete(keeper, message))
        return;
    log_warning("%s: cannot be requeued: %s", queue_id_format(message->id, text).data, why.text);
    message->is_moving = false;
    queue_index_wait(keeper->index, message, next_attempt);
}

static void defer_message(struct keeper *keeper, struct queued_message *message, const struct deferral *deferral,
                          struct arena *arena)
{
    struct failure why;
    bool is_done;

    if (message->segment != NULL) {
        is_done = spilling_move(keeper, message, deferral->queue, deferral->next_attempt, deferral->add_flags,
                                deferral->outcomes, deferral->count, &why);
        if (!is_done)
            remember_finished(message);
    } else {
        is_done = defer_in_file(keeper, message, deferral, arena, &why);
    }
    if (!is_done && why.error != ENOENT)
        log_warning("%.*s: %s", STR_ARG(message->active->id_text), why.text);
    put_back(keeper, message, deferral);
    if (message->must_requeue && message->segment == NULL && message->queue == SPOOL_DEFERRED)
        requeue_deferred(keeper, message, deferral->next_attempt);
}

/* ---- deciding ---- */

static bool is_failed(const struct active_message *active, size_t place)
{
    return active->envelope->recipients[place].status == RECIPIENT_FAILED;
}

static bool is_success_wanted(const struct active_message *active, size_t place)
{
    return active->results[place].outcome == ACTIVE_SENT &&
           (active->envelope->recipients[place].dsn_notify & DSN_NOTIFY_SUCCESS) != 0;
}

static bool was_tried_now(const struct active_message *active, size_t place)
{
    return active->results[place].outcome != ACTIVE_PENDING;
}

static bool is_delayed(const struct active_message *active, size_t place)
{
    return active->envelope->recipients[place].status == RECIPIENT_PENDING;
}

static size_t count_status(const struct envelope *envelope, enum recipient_status status)
{
    size_t count = 0;

    for (size_t i = 0; i < envelope->recipient_count; i++)
        count += envelope->recipients[i].status == status;
    return count;
}

/* Which recipients something new is known of; the envelope then says it too. */
static size_t take_outcomes(struct active_message *active, struct queue_file_outcome *outcomes)
{
    size_t count = 0;

    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        struct envelope_recipient *recipient = &active->envelope->recipients[i];
        struct queue_file_outcome outcome = outcome_of(active, i);

        if (outcome.status != recipient->status || !str_equal(outcome.reason, recipient->reason))
            outcomes[count++] = outcome;
        recipient->status = outcome.status;
        recipient->dsn = outcome.dsn;
        recipient->reason = outcome.reason;
    }
    return count;
}

static bool is_expired(const struct keeper *keeper, const struct envelope *envelope)
{
    struct duration lifetime = str_is_empty(envelope->sender) ? keeper->settings->bounce_queue_lifetime
                                                              : keeper->settings->maximal_queue_lifetime;

    return instant_since(clock_now(), envelope->arrival).us >= lifetime.us;
}

static bool was_tried(const struct active_message *active)
{
    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        if (active->results[i].outcome != ACTIVE_PENDING)
            return true;
    }
    return false;
}

/* Recipients whose time is over fail with the reason of their last attempt. */
static void expire(struct keeper *keeper, struct queued_message *message)
{
    struct active_message *active = message->active;
    struct envelope *envelope = active->envelope;

    if (count_status(envelope, RECIPIENT_PENDING) == 0 ||
        (!message->must_expire && !(was_tried(active) && is_expired(keeper, envelope))))
        return;
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (envelope->recipients[i].status != RECIPIENT_PENDING)
            continue;
        envelope->recipients[i].status = RECIPIENT_FAILED;
        if (str_is_empty(envelope->recipients[i].reason))
            envelope->recipients[i].reason = STR("message has expired");
        if (str_is_empty(active->results[i].dsn))
            active->results[i].dsn = STR("4.7.0");
        active->results[i].reason = envelope->recipients[i].reason;
    }
    log_expired(active->id_text, envelope->sender, message->must_expire);
}

static void mark_returned(struct queued_message *message)
{
    struct envelope *envelope = message->active->envelope;
    struct failure why;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (envelope->recipients[i].status != RECIPIENT_FAILED)
            continue;
        envelope->recipients[i].status = RECIPIENT_RETURNED;
        if (message->segment != NULL && !live_segments_record(message, LEDGER_RETURNED, 0, (uint32_t) i, &why))
            log_warning("%.*s: %s", STR_ARG(message->active->id_text), why.text);
    }
}

/* False when the sender could not be told now: the failed recipients stay unfinished. */
static bool return_failed(struct keeper *keeper, struct queued_message *message)
{
    struct failure why;

    if (count_status(message->active->envelope, RECIPIENT_FAILED) == 0)
        return true;
    if (!returning_tell(keeper, message->active, BOUNCE_FAILED, is_failed, &why)) {
        log_warning("%.*s: the sender cannot be told now: %s", STR_ARG(message->active->id_text), why.text);
        return false;
    }
    /* Where it stands may have changed during the wait: the record goes there. */
    keeper_wait_moved(keeper, message);
    mark_returned(message);
    return true;
}

static void tell_success(struct keeper *keeper, struct active_message *active)
{
    struct failure why;

    if (!returning_tell(keeper, active, BOUNCE_SUCCESS, is_success_wanted, &why))
        log_warning("%.*s: no delivery notification sent: %s", STR_ARG(active->id_text), why.text);
}

/* sendmail -v: a report of the first attempt, however it went. */
static void tell_trace(struct keeper *keeper, const struct queued_message *message)
{
    struct active_message *active = message->active;
    struct failure why;

    if ((active->envelope->flags & ENVELOPE_TRACE_RECORD) == 0 || message->was_deferred)
        return;
    if (!returning_tell(keeper, active, BOUNCE_TRACE, was_tried_now, &why))
        log_warning("%.*s: no delivery report sent: %s", STR_ARG(active->id_text), why.text);
}

static unsigned warn_of_delay(struct keeper *keeper, struct active_message *active)
{
    const struct envelope *envelope = active->envelope;
    struct duration limit = keeper->settings->delay_warning_time;
    struct failure why;

    if (limit.us <= 0 || (envelope->flags & ENVELOPE_DELAY_WARNED) != 0 || str_is_empty(envelope->sender) ||
        count_status(envelope, RECIPIENT_PENDING) == 0 || instant_since(clock_now(), envelope->arrival).us < limit.us)
        return 0;
    if (returning_tell(keeper, active, BOUNCE_DELAYED, is_delayed, &why))
        return ENVELOPE_DELAY_WARNED;
    log_warning("%.*s: no delay warning sent: %s", STR_ARG(active->id_text), why.text);
    return 0;
}

/* Those that failed now, or before, and their standing with the sender. */
static void add_returned(const struct envelope *envelope, struct queue_file_outcome *outcomes, size_t *count)
{
    bool *is_listed = memory_alloc(envelope->recipient_count + 1);

    for (size_t i = 0; i < *count; i++) {
        outcomes[i].status = envelope->recipients[outcomes[i].number].status;
        is_listed[outcomes[i].number] = true;
    }
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];

        if (!is_listed[i] && (recipient->status == RECIPIENT_RETURNED || recipient->status == RECIPIENT_FAILED))
            outcomes[(*count)++] = (struct queue_file_outcome){
                .number = i, .status = recipient->status, .dsn = recipient->dsn, .reason = recipient->reason
            };
    }
    memory_free(is_listed);
}

static void choose_place(struct keeper *keeper, struct queued_message *message, struct deferral *deferral)
{
    bool is_tried = was_tried(message->active) || count_status(message->active->envelope, RECIPIENT_FAILED) > 0;

    deferral->queue = is_tried || message->was_deferred ? SPOOL_DEFERRED : SPOOL_INCOMING;
    deferral->next_attempt =
        is_tried ? keeper_now() + keeper_backoff(keeper, message->active->envelope->arrival) : keeper_now();
    if (message->must_hold)
        deferral->queue = SPOOL_HOLD;
}

static void settle(struct keeper *keeper, struct queued_message *message)
{
    struct active_message *active = message->active;
    struct envelope *envelope = active->envelope;
    struct arena *arena = arena_create();
    struct deferral deferral = { 0 };

    deferral.outcomes = arena_new_array(arena, envelope->recipient_count + 1, struct queue_file_outcome);
    deferral.count = take_outcomes(active, deferral.outcomes);
    if (!keeper->is_draining || was_tried(active))
        expire(keeper, message);
    tell_success(keeper, active);
    tell_trace(keeper, message);
    (void) return_failed(keeper, message);
    deferral.add_flags = warn_of_delay(keeper, active);
    keeper_wait_moved(keeper, message);
    add_returned(envelope, deferral.outcomes, &deferral.count);
    if (message->must_delete ||
        (count_status(envelope, RECIPIENT_PENDING) == 0 && count_status(envelope, RECIPIENT_FAILED) == 0)) {
        remove_message(keeper, message);
    } else {
        choose_place(keeper, message, &deferral);
        defer_message(keeper, message, &deferral, arena);
    }
    arena_destroy(&arena);
}

struct finish {
    struct keeper *keeper;
    struct queued_message *message;
};

static void finish(void *context)
{
    struct finish *finish = context;
    struct keeper *keeper = finish->keeper;
    struct queued_message *message = finish->message;

    memory_free(finish);
    keeper_wait_moved(keeper, message);
    if (message->must_delete) {
        log_removed(message->active->id_text);
        forget(keeper, message);
    } else {
        settle(keeper, message);
    }
    keeper->finishing--;
    event_wake_all(&keeper->changed);
    event_wake_all(&keeper->work);
}

void finisher_finish(struct keeper *keeper, struct queued_message *message)
{
    struct finish *context = memory_alloc(sizeof(*context));

    context->keeper = keeper;
    context->message = message;
    keeper->finishing++;
    fiber_start(keeper->loop, finish, context);
}

void finisher_finished(void *context, struct active_message *active)
{
    finisher_finish(context, active->origin);
}
