/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/success.h"

#include "qmgr/loader.h"
#include "qmgr/log_lines.h"
#include "qmgr/members.h"
#include "qmgr/returning.h"

bool success_is_wanted(const struct active_message *active, size_t place)
{
    const struct active_result *result = &active->results[place];
    unsigned notify = active->envelope->recipients[place].dsn_notify;

    if (result->outcome != ACTIVE_SENT)
        return members_listed(result, result->members, BOUNCE_SUCCESS) != NULL;
    return (active->confirms_delivery && (notify == 0 || (notify & DSN_NOTIFY_DELAY) != 0)) ||
           (!str_equal(result->action, STR("delegated")) && (notify & DSN_NOTIFY_SUCCESS) != 0);
}

void success_tell(struct keeper *keeper, struct active_message *active)
{
    struct failure why;

    /* The report of the first attempt says it all. */
    if (active->is_traced)
        return;
    if (!returning_tell(keeper, active, BOUNCE_SUCCESS, success_is_wanted, &why))
        log_message_problem(active->id_text, "no delivery notification sent", &why);
}

/* Only what was reached: the rest is not told of here. */
static void take_results(struct active_message *active, const struct deliver_outcome *outcome)
{
    const struct deliver_result *results = outcome->results.items;

    for (size_t i = 0; i < outcome->results.count; i++) {
        if (results[i].index >= active->envelope->recipient_count || results[i].status != DELIVER_SENT)
            continue;
        active->results[results[i].index] = (struct active_result){
            .outcome = ACTIVE_SENT,
            .expanded_to = results[i].address,
            .dsn = results[i].dsn,
            .action = results[i].action,
            .reason = results[i].reason,
            .relay = results[i].relay,
            .remote_mta = results[i].remote_mta,
            .diagnostic_type = results[i].diagnostic_type,
            .diagnostic = results[i].diagnostic,
        };
    }
}

void success_tell_outcome(struct keeper *keeper, struct queue_id id, const struct deliver_outcome *outcome)
{
    struct arena *arena = arena_create();
    struct envelope *envelope = arena_new(arena, struct envelope);
    struct active_message active = {
        .arena = arena, .envelope = envelope, .id_text = outcome->queue_id, .was_deferred = true
    };
    struct failure why;

    active.whole = &active;
    if (loader_read_envelope(keeper, id, arena, envelope, &why)) {
        active.origin = queue_index_find(keeper->index, id);
        active.results = arena_new_array(arena, envelope->recipient_count + 1, struct active_result);
        take_results(&active, outcome);
        if (active.origin != NULL)
            success_tell(keeper, &active);
    } else if (why.kind != FAILURE_NONE) {
        log_message_problem(outcome->queue_id, "no delivery notification sent", &why);
    }
    arena_destroy(&arena);
}
