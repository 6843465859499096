/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/bounce.h"

enum { ADDRESS_MAXIMUM = 8192, REASON_MAXIMUM = 4096, ATTRIBUTES_MAXIMUM = 64 * 1024, MESSAGE_ID_MAXIMUM = 998 };

static const struct message_field bounce_recipient_fields[] = {
    MESSAGE_FIELD(struct bounce_recipient, address, FIELD_STR, ADDRESS_MAXIMUM, "recipient"),
    MESSAGE_FIELD(struct bounce_recipient, original, FIELD_STR, ADDRESS_MAXIMUM, "before rewriting"),
    MESSAGE_FIELD(struct bounce_recipient, dsn_orcpt, FIELD_STR, ADDRESS_MAXIMUM, "DSN original recipient"),
    MESSAGE_FIELD(struct bounce_recipient, dsn_notify, FIELD_UINT, 15, "DSN notify flags"),
    MESSAGE_FIELD(struct bounce_recipient, status, FIELD_UINT, DELIVER_BOUNCED, "enum deliver_status"),
    MESSAGE_FIELD(struct bounce_recipient, dsn, FIELD_STR, 16, "enhanced status code"),
    MESSAGE_FIELD(struct bounce_recipient, action, FIELD_STR, 16, "action field of the report"),
    MESSAGE_FIELD(struct bounce_recipient, reason, FIELD_STR, REASON_MAXIMUM, "why, for people"),
    MESSAGE_FIELD(struct bounce_recipient, relay, FIELD_STR, 1024, "as in relay=, for a report of success"),
    MESSAGE_FIELD(struct bounce_recipient, remote_mta, FIELD_STR, 1024, "host that answered"),
    MESSAGE_FIELD(struct bounce_recipient, diagnostic_type, FIELD_STR, 32, "smtp or x-unix"),
    MESSAGE_FIELD(struct bounce_recipient, diagnostic, FIELD_STR, REASON_MAXIMUM, "reply or output"),
};
MESSAGE_TYPE(bounce_recipient);

static const struct message_field bounce_request_fields[] = {
    MESSAGE_FIELD(struct bounce_request, kind, FIELD_UINT, BOUNCE_TRACE, "enum bounce_kind"),
    MESSAGE_FIELD(struct bounce_request, queue_id, FIELD_STR, 32, "the original message"),
    MESSAGE_FIELD(struct bounce_request, sender, FIELD_STR, ADDRESS_MAXIMUM, "its sender"),
    MESSAGE_FIELD(struct bounce_request, owner, FIELD_STR, ADDRESS_MAXIMUM, "who is told in the sender's place"),
    MESSAGE_FIELD(struct bounce_request, envid, FIELD_STR, 200, "its DSN envelope id"),
    MESSAGE_FIELD(struct bounce_request, dsn_return, FIELD_UINT, 2, "what to return of it"),
    MESSAGE_FIELD(struct bounce_request, encoding, FIELD_UINT, 2, "its encoding"),
    MESSAGE_FIELD(struct bounce_request, is_smtputf8, FIELD_BOOL, 1, "it needs SMTPUTF8"),
    MESSAGE_FIELD(struct bounce_request, arrival, FIELD_TIME, 0, "when it came"),
    MESSAGE_FIELD(struct bounce_request, size, FIELD_UINT, INT64_MAX, "bytes of its content"),
    MESSAGE_FIELD(struct bounce_request, attributes, FIELD_STRLIST, ATTRIBUTES_MAXIMUM,
                  "name=value, where it came from"),
    MESSAGE_FIELD(struct bounce_request, message_id, FIELD_STR, MESSAGE_ID_MAXIMUM, "its Message-ID, with < and >"),
    MESSAGE_RECORDS(struct bounce_request, recipients, &bounce_recipient_message, BOUNCE_RECIPIENTS_MAXIMUM,
                    "for whom"),
    MESSAGE_FIELD(struct bounce_request, has_more, FIELD_BOOL, 1, "more recipients follow"),
    MESSAGE_FIELD(struct bounce_request, content, FIELD_STR, DELIVER_INLINE_MAXIMUM, "its header and body, if inline"),
    MESSAGE_FIELD(struct bounce_request, content_fd, FIELD_FD, 0, "its own file, if not"),
    MESSAGE_FIELD(struct bounce_request, content_offset, FIELD_UINT, INT64_MAX, "where content starts in the file"),
};
MESSAGE_TYPE(bounce_request);

static const struct message_field bounce_more_fields[] = {
    MESSAGE_RECORDS(struct bounce_more, recipients, &bounce_recipient_message, BOUNCE_RECIPIENTS_MAXIMUM, "for whom"),
    MESSAGE_FIELD(struct bounce_more, has_more, FIELD_BOOL, 1, "more recipients follow"),
};
MESSAGE_TYPE(bounce_more);

static const struct message_field bounce_reply_fields[] = {
    MESSAGE_FIELD(struct bounce_reply, is_done, FIELD_BOOL, 1, "the notification is durable, or none was due"),
    MESSAGE_FIELD(struct bounce_reply, notification_ids, FIELD_STRLIST, 4096, "queue ids of the notifications"),
    MESSAGE_FIELD(struct bounce_reply, reason, FIELD_STR, REASON_MAXIMUM, "why not"),
};
MESSAGE_TYPE(bounce_reply);

static const struct message_type *const messages[] = { &bounce_request_message, &bounce_more_message,
                                                       &bounce_reply_message, NULL };

const struct protocol bounce_protocol = { "bounce", 4, messages };

/* ---- the client ---- */

static struct records take_piece(struct records *rest)
{
    struct records piece = *rest;

    if (piece.count > BOUNCE_RECIPIENTS_MAXIMUM)
        piece.count = BOUNCE_RECIPIENTS_MAXIMUM;
    rest->items = (struct bounce_recipient *) rest->items + piece.count;
    rest->count -= piece.count;
    return piece;
}

static bool send_request(struct call *call, const struct bounce_request *request, struct duration timeout,
                         struct failure *why)
{
    struct records rest = request->recipients;
    struct bounce_request first = *request;

    first.recipients = take_piece(&rest);
    first.has_more = rest.count > 0;
    if (!call_send(call, &bounce_request_message, &first, timeout, why))
        return false;
    while (rest.count > 0) {
        struct bounce_more more = { .recipients = take_piece(&rest), .has_more = rest.count > 0 };

        if (!call_send(call, &bounce_more_message, &more, timeout, why))
            return false;
    }
    return true;
}

static bool ask_once(struct endpoint *endpoint, const struct bounce_request *request, struct arena *arena,
                     struct duration timeout, const struct bounce_reply **reply_out, struct failure *why)
{
    struct call *call;
    void *reply;
    bool is_answered;

    if (!endpoint_call(endpoint, &call, why))
        return false;
    is_answered = send_request(call, request, timeout, why) &&
                  call_expect(call, &bounce_reply_message, arena, timeout, &reply, why);
    call_end(&call);
    if (is_answered)
        *reply_out = reply;
    return is_answered;
}

bool bounce_ask(struct endpoint *endpoint, const struct bounce_request *request, struct arena *arena,
                struct duration timeout, const struct bounce_reply **reply_out, struct failure *why)
{
    struct failure first;

    if (ask_once(endpoint, request, arena, timeout, reply_out, &first))
        return true;
    if (first.kind == FAILURE_RETRY)
        return ask_once(endpoint, request, arena, timeout, reply_out, why);
    if (why != NULL)
        *why = first;
    return false;
}

/* ---- the service ---- */

static void append_records(struct records *all, size_t *capacity, struct records piece, struct arena *arena)
{
    struct bounce_recipient *items = all->items;

    if (all->count + piece.count > *capacity) {
        *capacity = (all->count + piece.count) * 2;
        items = arena_new_array(arena, *capacity, struct bounce_recipient);
        if (all->count > 0)
            memcpy(items, all->items, all->count * sizeof *items);
    }
    if (piece.count > 0)
        memcpy(items + all->count, piece.items, piece.count * sizeof *items);
    all->items = items;
    all->count += piece.count;
}

bool bounce_take_recipients(struct call *call, const struct bounce_request *request, struct arena *arena,
                            struct duration timeout, struct records *recipients_out, struct failure *why)
{
    struct records all = { 0 };
    size_t capacity = 0;
    bool has_more = request->has_more;

    append_records(&all, &capacity, request->recipients, arena);
    while (has_more) {
        const struct bounce_more *more;
        void *message;

        if (!call_expect(call, &bounce_more_message, arena, timeout, &message, why))
            return false;
        more = message;
        append_records(&all, &capacity, more->recipients, arena);
        has_more = more->has_more;
    }
    *recipients_out = all;
    return true;
}
