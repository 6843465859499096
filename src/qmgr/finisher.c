/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/finisher.h"

#include "base/memory.h"
#include "qmgr/deferral.h"
#include "qmgr/log_lines.h"
#include "qmgr/portions.h"
#include "qmgr/recording.h"
#include "qmgr/removal.h"
#include "qmgr/returning.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/success.h"
#include "qmgr/trial.h"
#include "run/loop.h"

static bool is_failed(const struct active_message *active, size_t place)
{
    return active->envelope->recipients[place].status == RECIPIENT_FAILED;
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
        struct queue_file_outcome outcome = recording_outcome(active, i);

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
    const struct qmgr_settings *settings = keeper->settings;
    struct duration lifetime = settings->maximal_queue_lifetime;

    if (str_is_empty(envelope->sender) && settings->bounce_queue_lifetime.us < lifetime.us)
        lifetime = settings->bounce_queue_lifetime;
    return instant_since(clock_now(), envelope->arrival).us >= lifetime.us;
}

static bool was_tried(const struct active_message *active)
{
    if (active->portions != NULL && active->portions->was_tried)
        return true;
    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        if (active->results[i].outcome != ACTIVE_PENDING)
            return true;
    }
    return false;
}

/* That of an earlier attempt, where this activation had none. */
static struct str last_status(const struct active_message *active, const struct envelope_recipient *recipient)
{
    char buffer[DSN_STATUS_SIZE];

    if (!dsn_status_is_set(recipient->dsn))
        return STR("4.7.0");
    return arena_str(active->arena, dsn_status_format(recipient->dsn, buffer));
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
            envelope->recipients[i].reason =
                message->must_expire ? STR("message is administratively expired") : STR("message has expired");
        if (str_is_empty(active->results[i].dsn))
            active->results[i].dsn = last_status(active, &envelope->recipients[i]);
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
        if (message->segment != NULL && !segment_ledger_record(message, LEDGER_RETURNED, 0, (uint32_t) i, &why))
            log_message_problem(message->active->id_text, NULL, &why);
    }
}

/* False when the sender could not be told now: the failed recipients stay unfinished. */
static bool return_failed(struct keeper *keeper, struct queued_message *message)
{
    struct failure why;

    if (count_status(message->active->envelope, RECIPIENT_FAILED) == 0)
        return true;
    if (!returning_tell(keeper, message->active, BOUNCE_FAILED, is_failed, &why)) {
        log_message_problem(message->active->id_text, "the sender cannot be told now", &why);
        return false;
    }
    /* Where it stands may have changed during the wait: the record goes there. */
    keeper_wait_moved(keeper, message);
    mark_returned(message);
    return true;
}

/* sendmail -v and -bv: a report of the first attempt, however it went. */
static void tell_trace(struct keeper *keeper, struct active_message *active)
{
    struct failure why;

    if (active->is_traced && !returning_tell(keeper, active, BOUNCE_TRACE, was_tried_now, &why))
        log_message_problem(active->id_text, "no delivery report sent", &why);
}

static bool is_warning_due(const struct keeper *keeper, const struct envelope *envelope)
{
    struct duration limit = keeper->settings->delay_warning_time;

    return limit.us > 0 && (envelope->flags & ENVELOPE_DELAY_WARNED) == 0 && !str_is_empty(envelope->sender) &&
           instant_since(clock_now(), envelope->arrival).us >= limit.us;
}

static unsigned warn_of_delay(struct keeper *keeper, struct active_message *active)
{
    struct failure why;

    if (!is_warning_due(keeper, active->envelope) || count_status(active->envelope, RECIPIENT_PENDING) == 0)
        return 0;
    if (returning_tell(keeper, active, BOUNCE_DELAYED, is_delayed, &why))
        return ENVELOPE_DELAY_WARNED;
    log_message_problem(active->id_text, "no delay warning sent", &why);
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

/* A stop came between: nobody has refused these. */
static bool is_any_untried(const struct active_message *active)
{
    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        if (active->envelope->recipients[i].status == RECIPIENT_PENDING && active->results[i].outcome == ACTIVE_PENDING)
            return true;
    }
    return active->portions != NULL && active->portions->untried > 0;
}

static void choose_place(struct keeper *keeper, struct queued_message *message, struct deferral *deferral)
{
    bool is_tried = was_tried(message->active) || count_status(message->active->envelope, RECIPIENT_FAILED) > 0;

    deferral->queue = is_tried || message->was_deferred ? SPOOL_DEFERRED : SPOOL_INCOMING;
    deferral->next_attempt = keeper_now();
    if (is_tried && !(keeper->is_draining && is_any_untried(message->active)))
        deferral->next_attempt += keeper_backoff(keeper, message->active->envelope->arrival);
    if (message->must_hold)
        deferral->queue = SPOOL_HOLD;
}

/* ---- portions ---- */

/* Who is still to be tried is needed by name only for a warning or for the end. */
static void gather(struct keeper *keeper, struct queued_message *message)
{
    const struct active_message *active = message->active;
    bool is_pending_wanted = active->portions->pending > 0 &&
                             (message->must_expire || (was_tried(active) && is_expired(keeper, active->envelope)) ||
                              is_warning_due(keeper, active->envelope));

    (void) !portions_gather(keeper, message, is_pending_wanted);
}

/* Recipients that are not in memory, and are not finished. */
static bool is_any_left_unread(const struct active_message *active)
{
    return active->portions != NULL && (active->portions->pending > 0 || active->portions->failed > 0);
}

static void use_numbers(const struct active_message *active, struct queue_file_outcome *outcomes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        outcomes[i].number = active_number(active, outcomes[i].number);
}

void finisher_end_portion(struct keeper *keeper, struct queued_message *message, struct active_message *portion)
{
    struct queue_file_outcome *outcomes =
        arena_new_array(portion->arena, portion->envelope->recipient_count + 1, struct queue_file_outcome);
    size_t count = take_outcomes(portion, outcomes);
    struct failure why;

    success_tell(keeper, portion);
    tell_trace(keeper, portion);
    use_numbers(portion, outcomes, count);
    if (count > 0 && !message->must_delete && !recording_append(keeper, portion, outcomes, count, &why))
        log_message_problem(portion->id_text, NULL, &why);
}

/* ---- the whole ---- */

static void settle(struct keeper *keeper, struct queued_message *message)
{
    struct active_message *active = message->active;
    struct envelope *envelope;
    struct arena *arena = arena_create();
    struct deferral deferral = { 0 };

    if (active->portions != NULL)
        gather(keeper, message);
    envelope = active->envelope;
    deferral.outcomes = arena_new_array(arena, envelope->recipient_count + 1, struct queue_file_outcome);
    deferral.count = take_outcomes(active, deferral.outcomes);
    if (active_is_trial(active) && !(keeper->is_draining && is_any_untried(active))) {
        tell_trace(keeper, active);
        keeper_wait_moved(keeper, message);
        trial_end(keeper, message);
        arena_destroy(&arena);
        return;
    }
    if (!keeper->is_draining || was_tried(active)) {
        expire(keeper, message);
        success_tell(keeper, active);
        tell_trace(keeper, active);
        if (active->is_traced || returning_has_expansions(active))
            deferral.add_flags |= ENVELOPE_FIRST_TOLD;
    }
    (void) return_failed(keeper, message);
    deferral.add_flags |= warn_of_delay(keeper, active);
    if (message->must_expire)
        deferral.add_flags |= ENVELOPE_FORCE_EXPIRED;
    keeper_wait_moved(keeper, message);
    add_returned(envelope, deferral.outcomes, &deferral.count);
    use_numbers(active, deferral.outcomes, deferral.count);
    if (message->must_delete || (count_status(envelope, RECIPIENT_PENDING) == 0 &&
                                 count_status(envelope, RECIPIENT_FAILED) == 0 && !is_any_left_unread(active))) {
        removal_remove(keeper, message);
    } else {
        choose_place(keeper, message, &deferral);
        deferral_defer(keeper, message, &deferral, arena);
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
        removal_forget(keeper, message);
    } else {
        settle(keeper, message);
    }
    keeper->finishing--;
    event_wake_all(&keeper->changed);
    event_wake_all(&keeper->work);
}

/*
 * Everybody got it, nobody wants to be told, and it stands in the journal alone: then nothing is left to wait for, and
 * the ledger has all there is to keep. That is nearly all mail.
 */
static bool is_plainly_done(const struct queued_message *message)
{
    const struct active_message *active = message->active;

    if (message->must_delete || message->must_hold || message->must_requeue || message->must_expire ||
        message->is_moving || active->portions != NULL || (active->envelope->flags & ENVELOPE_TRACE_RECORD) != 0 ||
        active_is_trial(active) || !removal_is_at_once(message) || returning_has_expansions(active))
        return false;
    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        if (active->envelope->recipients[i].status != RECIPIENT_PENDING || active->results[i].outcome != ACTIVE_SENT ||
            success_is_wanted(active, i))
            return false;
    }
    return true;
}

void finisher_finish(struct keeper *keeper, struct queued_message *message)
{
    struct finish *context;

    if (is_plainly_done(message)) {
        removal_remove(keeper, message);
        event_wake_all(&keeper->changed);
        event_wake_all(&keeper->work);
        return;
    }
    context = memory_alloc(sizeof(*context));

    context->keeper = keeper;
    context->message = message;
    keeper->finishing++;
    fiber_start(keeper->loop, finish, context);
}

void finisher_finished(void *context, struct active_message *active)
{
    if (active->whole != active) {
        portions_finished(context, active);
        return;
    }
    finisher_finish(context, active->origin);
}
