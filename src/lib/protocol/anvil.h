/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_ANVIL_H
#define PROTOCOL_ANVIL_H

#include "ipc/channel.h"

/*
 * anvil - how much a client does, over all processes of a service (private/anvil).
 *
 * A call is one client's connection: it sends an event for each thing to be counted, hears the numbers that include it,
 * and ends with the connection, or with the process that had it. All events of a call name the same client.
 */
enum { ANVIL_CLIENT_MAXIMUM = 500 };

enum anvil_kind {
    ANVIL_CONNECTION, /* counted as long as the call goes on, too */
    ANVIL_MESSAGE,
    ANVIL_RECIPIENT,
    ANVIL_AUTH,
    ANVIL_TLS_SESSION, /* a new one, not resumed */
    ANVIL_KIND_COUNT,
};

struct anvil_event {
    uint64_t kind;     /* enum anvil_kind */
    struct str client; /* "smtp:192.0.2.1", "smtp:2001:db8::/84" */
    bool is_question;  /* nothing has happened: only the numbers are asked for */
};

struct anvil_numbers {
    uint64_t count; /* connections at this time */
    uint64_t rate;  /* of the kind, in anvil_rate_time_unit */
};

extern const struct message_type anvil_event_message;
extern const struct message_type anvil_numbers_message;
extern const struct protocol anvil_protocol;

#endif
