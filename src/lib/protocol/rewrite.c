/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/rewrite.h"

enum { ADDRESS_MAXIMUM = 8192, BATCH_BYTES_MAXIMUM = 4 * 1024 * 1024 };

static const struct message_field rewrite_request_fields[] = {
    MESSAGE_FIELD(struct rewrite_request, is_local, FIELD_BOOL, 1, "context: local, else remote"),
    MESSAGE_FIELD(struct rewrite_request, addresses, FIELD_STRLIST, BATCH_BYTES_MAXIMUM, "addresses in external form"),
};
MESSAGE_TYPE(rewrite_request);

static const struct message_field rewrite_reply_fields[] = {
    MESSAGE_FIELD(struct rewrite_reply, generation, FIELD_UINT, UINT64_MAX, "of the tables"),
    MESSAGE_FIELD(struct rewrite_reply, addresses, FIELD_STRLIST, BATCH_BYTES_MAXIMUM, "the same, in standard form"),
};
MESSAGE_TYPE(rewrite_reply);

static const struct message_field resolve_request_fields[] = {
    MESSAGE_FIELD(struct resolve_request, sender, FIELD_STR, ADDRESS_MAXIMUM, "envelope sender"),
    MESSAGE_FIELD(struct resolve_request, addresses, FIELD_STRLIST, BATCH_BYTES_MAXIMUM, "addresses in internal form"),
    MESSAGE_FIELD(struct resolve_request, is_probe, FIELD_BOOL, 1, "the way that address probes take"),
    MESSAGE_FIELD(struct resolve_request, is_raw, FIELD_BOOL, 1, "they are not in standard form yet"),
};
MESSAGE_TYPE(resolve_request);

static const struct message_field resolved_address_fields[] = {
    MESSAGE_FIELD(struct resolved_address, status, FIELD_UINT, RESOLVE_DEFER, "enum resolve_status"),
    MESSAGE_FIELD(struct resolved_address, transport, FIELD_STR, RESOLVE_TRANSPORT_MAXIMUM, "name in master.cf"),
    MESSAGE_FIELD(struct resolved_address, nexthop, FIELD_STR, RESOLVE_NEXTHOP_MAXIMUM, "next hop, or text of error:"),
    MESSAGE_FIELD(struct resolved_address, recipient, FIELD_STR, RESOLVE_RECIPIENT_MAXIMUM, "standardised recipient"),
    MESSAGE_FIELD(struct resolved_address, address_class, FIELD_UINT, RESOLVE_DEFAULT, "enum resolve_class"),
    MESSAGE_FIELD(struct resolved_address, is_routed, FIELD_BOOL, 1, "has sender-specified routing"),
};
MESSAGE_TYPE(resolved_address);

static const struct message_field resolve_reply_fields[] = {
    MESSAGE_FIELD(struct resolve_reply, generation, FIELD_UINT, UINT64_MAX, "of the tables"),
    MESSAGE_RECORDS(struct resolve_reply, addresses, &resolved_address_message, REWRITE_BATCH_MAXIMUM,
                    "one an address"),
};
MESSAGE_TYPE(resolve_reply);

static const struct message_type *const messages[] = {
    &rewrite_request_message, &rewrite_reply_message, &resolve_request_message, &resolve_reply_message, NULL,
};

const struct protocol rewrite_protocol = { "rewrite", 1, messages };

bool rewrite_address(struct endpoint *endpoint, bool is_local, struct str address, struct arena *arena,
                     struct duration timeout, struct str *address_out, struct failure *why)
{
    struct rewrite_request request = { .is_local = is_local };
    struct rewrite_reply *reply;
    void *message;

    strlist_add_view(&request.addresses, arena, address);
    if (!endpoint_ask(endpoint, &rewrite_request_message, &request, &rewrite_reply_message, arena, timeout, &message,
                      why))
        return false;
    reply = message;
    if (reply->addresses.count != 1)
        return failure_set(why, FAILURE_PROTOCOL, 0, "rewrite service: %zu answers for one address",
                           reply->addresses.count);
    *address_out = reply->addresses.items[0];
    return true;
}

bool resolve_addresses(struct endpoint *endpoint, const struct resolve_request *request, struct arena *arena,
                       struct duration timeout, const struct resolved_address **resolved_out, struct failure *why)
{
    struct resolve_reply *reply;
    void *message;

    if (!endpoint_ask(endpoint, &resolve_request_message, request, &resolve_reply_message, arena, timeout, &message,
                      why))
        return false;
    reply = message;
    if (reply->addresses.count != request->addresses.count)
        return failure_set(why, FAILURE_PROTOCOL, 0, "resolve service: %zu answers for %zu addresses",
                           reply->addresses.count, request->addresses.count);
    *resolved_out = reply->addresses.items;
    return true;
}

bool resolve_address(struct endpoint *endpoint, struct str sender, struct str address, struct arena *arena,
                     struct duration timeout, const struct resolved_address **resolved_out, struct failure *why)
{
    struct resolve_request request = { .sender = sender };

    strlist_add_view(&request.addresses, arena, address);
    return resolve_addresses(endpoint, &request, arena, timeout, resolved_out, why);
}
