/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_DNSBLOG_H
#define PROTOCOL_DNSBLOG_H

#include "base/time.h"
#include "ipc/channel.h"

/*
 * dnsblog - asks DNS lists about a client for postscreen, all at once, and logs what lists it (private/dnsblog).
 */
enum { DNSBLOG_DOMAINS_MAXIMUM = 100 };

struct dnsblog_request {
    struct str client;      /* "192.0.2.1" */
    struct strlist domains; /* of the lists */
    uint64_t timeout_ms;    /* what has not been answered then is not known */
};

struct dnsblog_listing {
    bool is_known;
    struct strlist addresses; /* "127.0.0.2"; none: not listed */
    uint64_t ttl_s;           /* for so long it counts; 0: it is not said */
};

struct dnsblog_answer {
    struct records listings; /* struct dnsblog_listing, one a domain, in the order of the request */
};

extern const struct message_type dnsblog_request_message;
extern const struct message_type dnsblog_answer_message;
extern const struct protocol dnsblog_protocol;

#endif
