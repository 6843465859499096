/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_NEXTHOP_H
#define DELIVERY_NEXTHOP_H

#include "base/failure.h"
#include "base/strlist.h"

#include <stdint.h>

/*
 * nexthop - a destination as it stands in transport tables and relayhost: "example.com", "[host]", "host:port",
 * "[host]:port", "[192.0.2.1]", "[2001:db8::1]:25", several separated by commas or space.
 */
struct nexthop {
    struct str text;    /* as given */
    struct str domain;  /* without brackets, port and "IPv6:" */
    struct str service; /* as given, or the default */
    uint16_t port;
    bool is_host;    /* was in brackets, or is LMTP's: no MX lookup */
    struct str path; /* of a Unix socket ("unix:path"); empty: TCP */
};

/* The parts of one destination. default_port: a number or a name of /etc/services, also for nothing behind a colon. */
MUST_USE bool nexthop_parse(struct str text, struct str default_port, struct nexthop *nexthop_out, struct failure *why);

/* As LMTP has them: "unix:path", "inet:host:port", and the latter without "inet:". */
MUST_USE bool nexthop_parse_lmtp(struct str text, struct str default_port, struct nexthop *nexthop_out,
                                 struct failure *why);

/* The name alone, as it stands in lists of destinations: without brackets and port; of a Unix socket its path. */
struct str nexthop_name(struct str text);

/* The destinations of a list. */
struct strlist nexthop_split(struct arena *arena, struct str text);

/* A number, or one of the names that mail uses (smtp, submission, smtps, submissions, lmtp), else by /etc/services. */
MUST_USE bool nexthop_port(struct str text, uint16_t *port_out);

#endif
