/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/expansion.h"

#include "cleanup/log_lines.h"
#include "cleanup/service.h"
#include "protocol/bounce.h"

enum { HEADER_KEPT = 64 * 1024, PATIENCE_SECONDS = 100, MESSAGE_ID_LONGEST = 998, FIRST_ROOM = 4 };

/* One more at the end; the room doubles. */
static struct bounce_recipient *add_place(struct message *message)
{
    struct records *expanded = &message->expanded;
    struct bounce_recipient *items = expanded->items;

    if (expanded->count == message->expanded_capacity) {
        message->expanded_capacity = expanded->count > 0 ? 2 * expanded->count : FIRST_ROOM;
        items = arena_new_array(message->arena, message->expanded_capacity, struct bounce_recipient);
        if (expanded->count > 0)
            memcpy(items, expanded->items, expanded->count * sizeof *items);
        expanded->items = items;
    }
    return &items[expanded->count++];
}

void expansion_note(struct message *message, struct str address, struct pending_recipient *recipient)
{
    if ((recipient->dsn_notify & DSN_NOTIFY_SUCCESS) == 0)
        return;
    *add_place(message) = (struct bounce_recipient){
        .address = arena_str(message->arena, address),
        .dsn_orcpt = arena_str(message->arena, recipient->dsn_orcpt),
        .dsn_notify = DSN_NOTIFY_SUCCESS,
        .status = DELIVER_SENT,
        .dsn = STR("2.0.0"),
        .action = STR("expanded"),
        .reason = STR("alias expanded"),
    };
    recipient->dsn_notify &= ~(unsigned) DSN_NOTIFY_SUCCESS;
    if (recipient->dsn_notify == 0)
        recipient->dsn_notify = DSN_NOTIFY_NEVER;
}

void expansion_keep_header(struct message *message)
{
    if (message->expanded.count > 0 && str_is_empty(message->kept_header))
        message->kept_header = arena_str(message->arena, str_part(strbuf_str(&message->content), 0, HEADER_KEPT));
}

void expansion_tell(struct message *message)
{
    const struct envelope *envelope = &message->envelope;
    struct bounce_request request = {
        .kind = BOUNCE_SUCCESS,
        .queue_id = message->queue_id,
        .sender = envelope->sender,
        .envid = envelope->dsn_envid,
        .dsn_return = (uint64_t) envelope->dsn_return,
        .is_smtputf8 = (envelope->flags & ENVELOPE_SMTPUTF8) != 0,
        .arrival = envelope->arrival,
        .message_id = envelope->message_id.len <= MESSAGE_ID_LONGEST ? envelope->message_id : STR_EMPTY,
        .recipients = message->expanded,
        .content_fd = -1,
    };
    const struct bounce_reply *reply;
    struct failure why;

    if (message->expanded.count == 0 || !message_is_good(message) || str_is_empty(envelope->sender) ||
        (message->flags & CLEANUP_FLAG_DISCARD) != 0)
        return;
    expansion_keep_header(message);
    request.content = message->kept_header;
    request.size = request.content.len;
    if (!bounce_ask(message->service->trace, &request, message->arena, seconds(PATIENCE_SECONDS), &reply, &why))
        log_not_told(message->queue_id, str_from_c(why.text));
    else if (!reply->is_done)
        log_not_told(message->queue_id, reply->reason);
}
