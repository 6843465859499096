/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/probe.h"

#include "config/shared_settings.h"
#include "protocol/cleanup.h"

static bool fill(struct call *call, struct str sender, struct str address, struct arena *arena, struct duration timeout,
                 const struct cleanup_result **result_out, struct failure *why)
{
    struct cleanup_envelope envelope = { .arrival = clock_now(), .sender = sender };
    /* Told back as it was asked for, whatever it is rewritten to. */
    struct cleanup_recipient recipient = { .address = address, .original = address, .dsn_notify = DSN_NOTIFY_NEVER };

    strlist_add_view(&envelope.attributes, arena, STR("rewrite_context=local"));
    strlist_add_view(&envelope.attributes, arena, STR("log_message_origin=local"));
    return call_send(call, &cleanup_envelope_message, &envelope, timeout, why) &&
           call_send(call, &cleanup_recipient_message, &recipient, timeout, why) &&
           cleanup_call_content(call, STR("Subject: probe\n\n"), timeout, why) &&
           cleanup_call_finish(call, arena, timeout, result_out, why);
}

bool probe_send(struct endpoint *cleanup, const struct shared_settings *shared, struct str sender, struct str address,
                struct failure *why)
{
    uint64_t flags =
        CLEANUP_FLAG_MAP_OK | CLEANUP_FLAG_PROBE | cleanup_autodetects(&shared->smtputf8_autodetect_classes, "verify");
    struct arena *arena = arena_create();
    const struct cleanup_result *result;
    struct str queue_id;
    struct call *call;
    bool is_queued = cleanup_call_open(cleanup, flags, arena, shared->ipc_timeout, &call, &queue_id, why);

    if (is_queued) {
        is_queued = fill(call, sender, address, arena, shared->ipc_timeout, &result, why);
        if (is_queued && result->status != CLEANUP_OK)
            is_queued = failure_set(why, FAILURE_RETRY, 0, "cleanup refused it (%u) %.*s", (unsigned) result->status,
                                    STR_ARG(result->reason));
        call_end(&call);
    }
    arena_destroy(&arena);
    return is_queued;
}
