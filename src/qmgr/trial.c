/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/trial.h"

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "protocol/verify.h"
#include "qmgr/log_lines.h"
#include "qmgr/removal.h"
#include "qmgr/segment_ledger.h"

enum { TELL_SECONDS = 30 };

static enum verify_status status_of(const struct active_message *active)
{
    enum verify_status status = VERIFY_DELIVERABLE;

    /* Of several, for which it stands: the best. */
    for (size_t i = 0; i < active->envelope->recipient_count; i++) {
        if (active->results[i].outcome == ACTIVE_SENT)
            return VERIFY_DELIVERABLE;
        if (active->results[i].outcome == ACTIVE_BOUNCED && status != VERIFY_DEFERRED)
            status = VERIFY_UNDELIVERABLE;
        else
            status = VERIFY_DEFERRED;
    }
    return status;
}

static bool tell_verify(struct keeper *keeper, const struct active_message *active, struct arena *arena,
                        struct failure *why)
{
    const struct envelope_recipient *recipient = &active->envelope->recipients[0];
    struct str path = arena_printf(arena, "private/%.*s", STR_ARG(keeper->shared->verify_service_name));
    struct verify_update update = {
        .address = str_is_empty(recipient->original) ? recipient->address : recipient->original,
        .status = status_of(active),
        .reason = str_part(active->results[0].reason, 0, VERIFY_REASON_MAXIMUM),
    };
    void *ignored;

    return endpoint_ask(daemon_endpoint(keeper->daemon, path.data, &verify_protocol), &verify_update_message, &update,
                        &verify_updated_message, arena, seconds(TELL_SECONDS), &ignored, why);
}

void trial_end(struct keeper *keeper, struct queued_message *message)
{
    const struct active_message *active = message->active;
    struct arena *arena = arena_create();
    struct failure why;

    if ((active->envelope->flags & ENVELOPE_PROBE) != 0 && active->envelope->recipient_count > 0 &&
        !tell_verify(keeper, active, arena, &why))
        log_message_problem(active->id_text, "the result of the probe is lost", &why);
    arena_destroy(&arena);
    keeper_wait_moved(keeper, message);
    /* Else those that failed would be tried again after a crash. */
    if (message->segment != NULL && !segment_ledger_record(message, LEDGER_DELETED, 0, LEDGER_WHOLE_MESSAGE, &why))
        log_message_problem(active->id_text, NULL, &why);
    removal_remove(keeper, message);
}
