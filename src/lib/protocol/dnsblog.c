/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/dnsblog.h"

enum {
    CLIENT_MAXIMUM = 100,
    DOMAINS_BYTES = 30000,
    ADDRESSES_BYTES = 2000,
    TIMEOUT_MAXIMUM = 100 * 24 * 3600 * 1000LL
};

static const struct message_field dnsblog_request_fields[] = {
    MESSAGE_FIELD(struct dnsblog_request, client, FIELD_STR, CLIENT_MAXIMUM, "address of the client"),
    MESSAGE_FIELD(struct dnsblog_request, domains, FIELD_STRLIST, DOMAINS_BYTES, "lists to ask"),
    MESSAGE_FIELD(struct dnsblog_request, timeout_ms, FIELD_UINT, (uint64_t) TIMEOUT_MAXIMUM,
                  "milliseconds until what is not answered is not known"),
};
MESSAGE_TYPE(dnsblog_request);

static const struct message_field dnsblog_listing_fields[] = {
    MESSAGE_FIELD(struct dnsblog_listing, is_known, FIELD_BOOL, 1, "the list has answered"),
    MESSAGE_FIELD(struct dnsblog_listing, addresses, FIELD_STRLIST, ADDRESSES_BYTES, "what it says; none: not listed"),
    MESSAGE_FIELD(struct dnsblog_listing, ttl_s, FIELD_UINT, UINT32_MAX, "seconds for which that counts"),
};
static MESSAGE_TYPE(dnsblog_listing);

static const struct message_field dnsblog_answer_fields[] = {
    MESSAGE_RECORDS(struct dnsblog_answer, listings, &dnsblog_listing_message, DNSBLOG_DOMAINS_MAXIMUM,
                    "one a list, in order"),
};
MESSAGE_TYPE(dnsblog_answer);

static const struct message_type *const messages[] = { &dnsblog_request_message, &dnsblog_answer_message, NULL };

const struct protocol dnsblog_protocol = { "dnsblog", 1, messages };
