/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/cleanup.h"

enum {
    ADDRESS_MAXIMUM = 4096,
    ATTRIBUTES_MAXIMUM = 64 * 1024,
    MILTER_STATE_MAXIMUM = 64 * 1024,
    MILTERS_MAXIMUM = 100,
    REPLY_MAXIMUM = 16 * 1024,
};

static const struct message_field cleanup_open_fields[] = {
    MESSAGE_FIELD(struct cleanup_open, flags, FIELD_UINT, UINT32_MAX, "what is asked for, enum cleanup_flag"),
};
MESSAGE_TYPE(cleanup_open);

static const struct message_field cleanup_opened_fields[] = {
    MESSAGE_FIELD(struct cleanup_opened, queue_id, FIELD_STR, 32, "the new message's queue id"),
    MESSAGE_FIELD(struct cleanup_opened, status, FIELD_UINT, CLEANUP_STOPPED, "enum cleanup_status"),
    MESSAGE_FIELD(struct cleanup_opened, reason, FIELD_STR, 2048, "why no mail can be taken now"),
};
MESSAGE_TYPE(cleanup_opened);

static const struct message_field cleanup_envelope_fields[] = {
    MESSAGE_FIELD(struct cleanup_envelope, arrival, FIELD_TIME, 0, "when the message came"),
    MESSAGE_FIELD(struct cleanup_envelope, sender, FIELD_STR, ADDRESS_MAXIMUM,
                  "envelope sender, empty for the null sender"),
    MESSAGE_FIELD(struct cleanup_envelope, full_name, FIELD_STR, ADDRESS_MAXIMUM, "name of the submitting user"),
    MESSAGE_FIELD(struct cleanup_envelope, envid, FIELD_STR, 200, "DSN envelope id, decoded"),
    MESSAGE_FIELD(struct cleanup_envelope, dsn_return, FIELD_UINT, DSN_RETURN_HEADERS, "what a bounce returns"),
    MESSAGE_FIELD(struct cleanup_envelope, encoding, FIELD_UINT, BODY_ENCODING_8BIT, "what BODY= said"),
    MESSAGE_FIELD(struct cleanup_envelope, size, FIELD_UINT, INT64_MAX, "announced size in bytes, 0 for none"),
    MESSAGE_FIELD(struct cleanup_envelope, attributes, FIELD_STRLIST, ATTRIBUTES_MAXIMUM,
                  "name=value, where it came from"),
};
MESSAGE_TYPE(cleanup_envelope);

static const struct message_field cleanup_recipient_fields[] = {
    MESSAGE_FIELD(struct cleanup_recipient, address, FIELD_STR, ADDRESS_MAXIMUM, "envelope recipient"),
    MESSAGE_FIELD(struct cleanup_recipient, original, FIELD_STR, ADDRESS_MAXIMUM, "as given before rewriting"),
    MESSAGE_FIELD(struct cleanup_recipient, dsn_orcpt, FIELD_STR, ADDRESS_MAXIMUM,
                  "DSN original recipient, type;address"),
    MESSAGE_FIELD(struct cleanup_recipient, dsn_notify, FIELD_UINT, 15, "DSN notify flags"),
};
MESSAGE_TYPE(cleanup_recipient);

static const struct message_field cleanup_orders_fields[] = {
    MESSAGE_FIELD(struct cleanup_orders, flags, FIELD_UINT, UINT32_MAX, "hold, discard"),
    MESSAGE_FIELD(struct cleanup_orders, content_filter, FIELD_STR, ADDRESS_MAXIMUM, "transport:nexthop"),
    MESSAGE_FIELD(struct cleanup_orders, redirect, FIELD_STR, ADDRESS_MAXIMUM, "instead of all recipients"),
    MESSAGE_FIELD(struct cleanup_orders, copies, FIELD_STRLIST, ATTRIBUTES_MAXIMUM, "more recipients"),
};
MESSAGE_TYPE(cleanup_orders);

static const struct message_field cleanup_content_fields[] = {
    MESSAGE_FIELD(struct cleanup_content, bytes, FIELD_STR, CLEANUP_CONTENT_MAXIMUM,
                  "the next piece of header and body"),
};
MESSAGE_TYPE(cleanup_content);

static const struct message_field cleanup_milter_fields[] = {
    MESSAGE_FIELD(struct cleanup_milter, fd, FIELD_FD, 0, "the connection, or none"),
    MESSAGE_FIELD(struct cleanup_milter, state, FIELD_STR, MILTER_STATE_MAXIMUM, "what was agreed with it"),
};
MESSAGE_TYPE(cleanup_milter);

static const struct message_field cleanup_end_fields[] = {
    MESSAGE_FIELD(struct cleanup_end, is_complete, FIELD_BOOL, 1, "always true"),
};
MESSAGE_TYPE(cleanup_end);

static const struct message_field cleanup_returned_fields[] = {
    MESSAGE_FIELD(struct cleanup_returned, address, FIELD_STR, ADDRESS_MAXIMUM, "recipient"),
    MESSAGE_FIELD(struct cleanup_returned, original, FIELD_STR, ADDRESS_MAXIMUM, "before rewriting"),
    MESSAGE_FIELD(struct cleanup_returned, dsn_orcpt, FIELD_STR, ADDRESS_MAXIMUM, "DSN original recipient"),
    MESSAGE_FIELD(struct cleanup_returned, dsn_notify, FIELD_UINT, 15, "DSN notify flags"),
};
MESSAGE_TYPE(cleanup_returned);

static const struct message_field cleanup_result_fields[] = {
    MESSAGE_FIELD(struct cleanup_result, status, FIELD_UINT, CLEANUP_STOPPED, "enum cleanup_status"),
    MESSAGE_FIELD(struct cleanup_result, dsn, FIELD_STR, 16, "enhanced status code"),
    MESSAGE_FIELD(struct cleanup_result, reason, FIELD_STR, 2048, "why not, for the peer"),
    MESSAGE_FIELD(struct cleanup_result, size, FIELD_UINT, INT64_MAX, "bytes of content as queued"),
    MESSAGE_FIELD(struct cleanup_result, reply, FIELD_STR, REPLY_MAXIMUM, "the whole reply, where a milter worded it"),
    MESSAGE_FIELD(struct cleanup_result, milters, FIELD_STR, MILTERS_MAXIMUM,
                  "a letter each: whether it can be asked again"),
    MESSAGE_FIELD(struct cleanup_result, sender, FIELD_STR, ADDRESS_MAXIMUM, "who gets it back"),
    MESSAGE_RECORDS(struct cleanup_result, returned, &cleanup_returned_message, CLEANUP_RETURNED_MAXIMUM,
                    "for whom it was"),
};
MESSAGE_TYPE(cleanup_result);

static const struct cleanup_refusal refusals[] = {
    { CLEANUP_TOO_BIG, "5.3.4", "message file too big" },
    { CLEANUP_TOO_MANY_HOPS, "5.4.0", "too many hops" },
    { CLEANUP_REJECTED, "5.7.1", "message content rejected" },
    { CLEANUP_NO_RECIPIENTS, "5.1.0", "no recipients specified" },
};

const struct cleanup_refusal *cleanup_refusal_find(uint64_t status, struct str dsn)
{
    if (str_starts_with(dsn, STR("4")))
        return NULL;
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        if (refusals[i].status == status)
            return &refusals[i];
    }
    return NULL;
}

static const struct message_type *const messages[] = {
    &cleanup_open_message,     &cleanup_opened_message,
    &cleanup_envelope_message, &cleanup_recipient_message,
    &cleanup_orders_message,   &cleanup_content_message,
    &cleanup_end_message,      &cleanup_result_message,
    &cleanup_milter_message,   NULL,
};

const struct protocol cleanup_protocol = { "cleanup", 1, messages };

uint64_t cleanup_autodetects(const struct strlist *classes, const char *origin)
{
    bool is_listed =
        strlist_contains_nocase(classes, STR("all")) || strlist_contains_nocase(classes, str_from_c(origin));

    return is_listed ? CLEANUP_FLAG_AUTOUTF8 : 0;
}

uint64_t cleanup_filters(const struct strlist *classes, const char *origin)
{
    return strlist_contains_nocase(classes, str_from_c(origin)) ? CLEANUP_FLAG_FILTER | CLEANUP_FLAG_MILTERS : 0;
}

static bool send_opening(struct call *call, const struct cleanup_opening *opening, struct duration timeout,
                         struct failure *why)
{
    struct cleanup_open request = { .flags = opening->flags };

    return call_send(call, &cleanup_open_message, &request, timeout, why) &&
           (opening->envelope == NULL || call_send(call, &cleanup_envelope_message, opening->envelope, timeout, why)) &&
           (opening->recipient == NULL ||
            call_send(call, &cleanup_recipient_message, opening->recipient, timeout, why));
}

static bool open_once(struct endpoint *endpoint, const struct cleanup_opening *opening, struct arena *arena,
                      struct duration timeout, struct call **call_out, struct str *queue_id_out, struct failure *why)
{
    struct call *call;
    const struct cleanup_opened *opened;
    void *reply;

    if (!endpoint_call(endpoint, &call, why))
        return false;
    if (!send_opening(call, opening, timeout, why) ||
        !call_expect(call, &cleanup_opened_message, arena, timeout, &reply, why)) {
        call_end(&call);
        return false;
    }
    opened = reply;
    if (opened->status != CLEANUP_OK) {
        call_end(&call);
        return failure_set(why, opened->status == CLEANUP_NO_SPACE ? FAILURE_NO_SPACE : FAILURE_RETRY, 0, "%.*s",
                           STR_ARG(opened->reason));
    }
    *queue_id_out = opened->queue_id;
    *call_out = call;
    return true;
}

/* Nothing has happened before the id is known, so a channel that closed under the request is no reason to fail. */
bool cleanup_call_open_with(struct endpoint *endpoint, const struct cleanup_opening *opening, struct arena *arena,
                            struct duration timeout, struct call **call_out, struct str *queue_id_out,
                            struct failure *why)
{
    struct failure first;

    if (open_once(endpoint, opening, arena, timeout, call_out, queue_id_out, &first))
        return true;
    if (first.kind == FAILURE_RETRY)
        return open_once(endpoint, opening, arena, timeout, call_out, queue_id_out, why);
    if (why != NULL)
        *why = first;
    return false;
}

bool cleanup_call_open(struct endpoint *endpoint, uint64_t flags, struct arena *arena, struct duration timeout,
                       struct call **call_out, struct str *queue_id_out, struct failure *why)
{
    const struct cleanup_opening opening = { .flags = flags };

    return cleanup_call_open_with(endpoint, &opening, arena, timeout, call_out, queue_id_out, why);
}

bool cleanup_call_content(struct call *call, struct str bytes, struct duration timeout, struct failure *why)
{
    while (bytes.len > 0) {
        struct cleanup_content piece = { .bytes = str_part(bytes, 0, CLEANUP_CONTENT_MAXIMUM) };

        if (!call_send(call, &cleanup_content_message, &piece, timeout, why))
            return false;
        bytes = str_from(bytes, piece.bytes.len);
    }
    return true;
}

bool cleanup_call_finish(struct call *call, struct arena *arena, struct duration timeout,
                         const struct cleanup_result **result_out, struct failure *why)
{
    struct cleanup_end end = { .is_complete = true };
    void *result;

    if (!call_send(call, &cleanup_end_message, &end, timeout, why) ||
        !call_expect(call, &cleanup_result_message, arena, timeout, &result, why))
        return false;
    *result_out = result;
    return true;
}
