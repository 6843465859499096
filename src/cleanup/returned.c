/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/returned.h"

#include "cleanup/service.h"
#include "delivery/log_lines.h"

static void log_recipient(const struct message *message, const struct envelope_recipient *recipient, struct str dsn,
                          struct str text)
{
    struct instant now = clock_now();
    struct delivery_line line = {
        .queue_id = message->queue_id,
        .recipient = recipient->address,
        .original = recipient->original,
        .relay = STR("none"),
        .arrival = message->envelope.arrival,
        .activated = now,
        .dispatched = now,
        .done = now,
        .dsn = dsn_split_text(dsn, DSN_STATUS(5, 0, 0), false, &(struct str){ 0 }),
        .status = STR("bounced"),
        .text = text,
    };

    delivery_log_recipient(&line, message->service->settings->delay_logging_resolution_limit);
}

void returned_tell(const struct message *message, struct arena *arena, struct cleanup_result *result)
{
    const struct envelope *envelope = &message->envelope;
    const struct cleanup_refusal *refusal = cleanup_refusal_find(result->status, result->dsn);
    struct cleanup_returned *returned;

    result->sender = envelope->sender;
    if (refusal == NULL)
        return;
    for (size_t i = 0; i < envelope->recipient_count; i++)
        log_recipient(message, &envelope->recipients[i], result->dsn.len > 0 ? result->dsn : str_from_c(refusal->dsn),
                      result->reason.len > 0 ? result->reason : str_from_c(refusal->text));
    if (envelope->recipient_count > CLEANUP_RETURNED_MAXIMUM)
        return;
    returned = arena_new_array(arena, envelope->recipient_count + 1, struct cleanup_returned);
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];

        returned[i] = (struct cleanup_returned){ recipient->address, recipient->original, recipient->dsn_original,
                                                 recipient->dsn_notify };
    }
    result->returned = (struct records){ returned, envelope->recipient_count };
}
