/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_PROXYMAP_H
#define PROTOCOL_PROXYMAP_H

#include "ipc/channel.h"

/*
 * proxymap - table lookups made by another process (private/proxymap): what proxy_read_maps lists, and nothing else.
 * private/proxywrite takes changes, and lookups, of what proxy_write_maps lists.
 */
enum proxymap_status {
    PROXYMAP_FOUND,
    PROXYMAP_ABSENT,
    PROXYMAP_UNKNOWN, /* the table cannot answer now: defer */
    PROXYMAP_DENIED,  /* not in proxy_read_maps */
};

struct proxymap_open {
    struct str table; /* type:name */
    uint64_t flags;   /* of table/table.h */
};

struct proxymap_opened {
    uint64_t status;     /* enum proxymap_status; FOUND when the table is open */
    bool has_fixed_keys; /* a table of whole keys, against patterns: decides the rules of partial keys */
    struct str reason;
};

struct proxymap_lookup {
    struct str table;
    uint64_t flags;
    struct str key;
};

struct proxymap_value {
    uint64_t status; /* enum proxymap_status */
    struct str value;
    struct str reason;
};

struct proxymap_change {
    struct str table;
    uint64_t flags;
    struct str key;
    struct str value;
    bool is_removal; /* of the key; else it gets the value */
};

/* A connection to a milter of non_smtpd_milters, for cleanup, which makes none itself: to private/proxymap alone. */
struct proxymap_connect {
    struct str place; /* "inet:host:port", "unix:path", as main.cf has it */
    uint64_t timeout_s;
};

struct proxymap_connected {
    int fd; /* -1: none */
    bool is_timeout;
    struct str reason;
};

extern const struct message_type proxymap_connect_message;
extern const struct message_type proxymap_connected_message;
extern const struct message_type proxymap_change_message;
extern const struct message_type proxymap_open_message;
extern const struct message_type proxymap_opened_message;
extern const struct message_type proxymap_lookup_message;
extern const struct message_type proxymap_value_message;
extern const struct protocol proxymap_protocol;

#endif
