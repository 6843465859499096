/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MILTER_SERVICE_H
#define MILTER_SERVICE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/time.h"

struct host_lookup;
struct loop;
struct milter_settings;

/*
 * service - what main.cf says of one milter: where it is, how long it may take, and what happens without it.
 * "inet:host:port", "unix:path", or "{ inet:host:port, connect_timeout=10s, default_action=accept, ... }".
 */
enum milter_default {
    MILTER_DEFAULT_ACCEPT,
    MILTER_DEFAULT_REJECT,
    MILTER_DEFAULT_TEMPFAIL,
    MILTER_DEFAULT_QUARANTINE, /* as accept, and the message goes into hold/ */
    MILTER_DEFAULT_SHUTDOWN,   /* 421, and the connection ends */
};

struct milter_service {
    struct str name; /* as in log lines: "inet:127.0.0.1:8891" */
    struct str host; /* empty: a Unix socket */
    unsigned port;
    const char *path;
    struct duration connect_timeout; /* also of the negotiation */
    struct duration command_timeout;
    struct duration content_timeout;
    enum milter_default default_action;
    unsigned version; /* 2, 3, 4 or 6 */
    bool has_no_header_reply;
    struct str trouble; /* not empty: main.cf says something wrong; "451 4.3.5" until it is mended */
};

struct milter_services {
    struct milter_service *items;
    size_t count;
};

/* The milters that a list names, in order. Never fails: see trouble. */
struct milter_services milter_services_parse(struct str list, const struct milter_settings *settings,
                                             struct arena *arena);

/* Connects. Waits; at most connect_timeout. The descriptor is the caller's. */
MUST_USE bool milter_dial(struct loop *loop, struct host_lookup *lookup, const struct milter_service *service,
                          int *fd_out, struct failure *why);

bool milter_default_parse(struct str word, enum milter_default *action_out);

#endif
