/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/anvil.h"

static const struct message_field anvil_event_fields[] = {
    MESSAGE_FIELD(struct anvil_event, kind, FIELD_UINT, ANVIL_KIND_COUNT - 1, "enum anvil_kind"),
    MESSAGE_FIELD(struct anvil_event, client, FIELD_STR, ANVIL_CLIENT_MAXIMUM, "service:address, or block of them"),
    MESSAGE_FIELD(struct anvil_event, is_question, FIELD_BOOL, 1, "only the numbers are asked for"),
};
MESSAGE_TYPE(anvil_event);

static const struct message_field anvil_numbers_fields[] = {
    MESSAGE_FIELD(struct anvil_numbers, count, FIELD_UINT, UINT64_MAX, "connections at this time"),
    MESSAGE_FIELD(struct anvil_numbers, rate, FIELD_UINT, UINT64_MAX, "events of the kind in the unit of time"),
};
MESSAGE_TYPE(anvil_numbers);

static const struct message_type *const messages[] = { &anvil_event_message, &anvil_numbers_message, NULL };

const struct protocol anvil_protocol = { "anvil", 2, messages };
