/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/proxymap.h"

enum { TABLE_MAXIMUM = 4096, KEY_MAXIMUM = 8192, VALUE_MAXIMUM = 4 * 1024 * 1024 };

static const struct message_field proxymap_open_fields[] = {
    MESSAGE_FIELD(struct proxymap_open, table, FIELD_STR, TABLE_MAXIMUM, "type:name"),
    MESSAGE_FIELD(struct proxymap_open, flags, FIELD_UINT, UINT32_MAX, "how it is to be opened"),
};
MESSAGE_TYPE(proxymap_open);

static const struct message_field proxymap_opened_fields[] = {
    MESSAGE_FIELD(struct proxymap_opened, status, FIELD_UINT, PROXYMAP_DENIED, "enum proxymap_status"),
    MESSAGE_FIELD(struct proxymap_opened, has_fixed_keys, FIELD_BOOL, 1, "whole keys, against patterns"),
    MESSAGE_FIELD(struct proxymap_opened, reason, FIELD_STR, 2048, "why not"),
};
MESSAGE_TYPE(proxymap_opened);

static const struct message_field proxymap_lookup_fields[] = {
    MESSAGE_FIELD(struct proxymap_lookup, table, FIELD_STR, TABLE_MAXIMUM, "type:name"),
    MESSAGE_FIELD(struct proxymap_lookup, flags, FIELD_UINT, UINT32_MAX, "as in proxymap_open"),
    MESSAGE_FIELD(struct proxymap_lookup, key, FIELD_STR, KEY_MAXIMUM, "what to look up"),
};
MESSAGE_TYPE(proxymap_lookup);

static const struct message_field proxymap_value_fields[] = {
    MESSAGE_FIELD(struct proxymap_value, status, FIELD_UINT, PROXYMAP_DENIED, "enum proxymap_status"),
    MESSAGE_FIELD(struct proxymap_value, value, FIELD_STR, VALUE_MAXIMUM, "what was found"),
    MESSAGE_FIELD(struct proxymap_value, reason, FIELD_STR, 2048, "why not"),
};
MESSAGE_TYPE(proxymap_value);

static const struct message_field proxymap_change_fields[] = {
    MESSAGE_FIELD(struct proxymap_change, table, FIELD_STR, TABLE_MAXIMUM, "type:name"),
    MESSAGE_FIELD(struct proxymap_change, flags, FIELD_UINT, UINT32_MAX, "as in proxymap_open"),
    MESSAGE_FIELD(struct proxymap_change, key, FIELD_STR, KEY_MAXIMUM, "what to change"),
    MESSAGE_FIELD(struct proxymap_change, value, FIELD_STR, VALUE_MAXIMUM, "its new value"),
    MESSAGE_FIELD(struct proxymap_change, is_removal, FIELD_BOOL, 1, "the key goes instead"),
};
MESSAGE_TYPE(proxymap_change);

static const struct message_field proxymap_connect_fields[] = {
    MESSAGE_FIELD(struct proxymap_connect, place, FIELD_STR, TABLE_MAXIMUM, "inet:host:port or unix:path"),
    MESSAGE_FIELD(struct proxymap_connect, timeout_s, FIELD_UINT, UINT32_MAX, "how long it may take"),
};
MESSAGE_TYPE(proxymap_connect);

static const struct message_field proxymap_connected_fields[] = {
    MESSAGE_FIELD(struct proxymap_connected, fd, FIELD_FD, 0, "the connection, or none"),
    MESSAGE_FIELD(struct proxymap_connected, is_timeout, FIELD_BOOL, 1, "it took too long"),
    MESSAGE_FIELD(struct proxymap_connected, reason, FIELD_STR, 2048, "why there is none"),
};
MESSAGE_TYPE(proxymap_connected);

static const struct message_type *const messages[] = {
    &proxymap_open_message,   &proxymap_opened_message,  &proxymap_lookup_message,    &proxymap_value_message,
    &proxymap_change_message, &proxymap_connect_message, &proxymap_connected_message, NULL,
};

const struct protocol proxymap_protocol = { "proxymap", 1, messages };
