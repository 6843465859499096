/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/flush.h"

static const struct message_field flush_request_fields[] = {
    MESSAGE_FIELD(struct flush_request, site, FIELD_STR, FLUSH_SITE_MAXIMUM, "whose mail is to be tried now"),
};
MESSAGE_TYPE(flush_request);

static const struct message_field flush_reply_fields[] = {
    MESSAGE_FIELD(struct flush_reply, status, FIELD_UINT, FLUSH_TRY_LATER, "enum flush_status"),
};
MESSAGE_TYPE(flush_reply);

static const struct message_type *const messages[] = { &flush_request_message, &flush_reply_message, NULL };

const struct protocol flush_protocol = { "flush", 1, messages };
