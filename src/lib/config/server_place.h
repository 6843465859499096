/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_SERVER_PLACE_H
#define CONFIG_SERVER_PLACE_H

#include "base/failure.h"
#include "base/str.h"

/*
 * server_place - where a program listens that main.cf names: "inet:host:port", "host:port", "port" (this host's), or
 * "unix:path" (relative to the queue directory). Nobody is asked.
 */
struct server_place {
    struct str text; /* as written */
    struct str name; /* without "inet:" or "unix:"; a Unix socket's path */
    struct str host; /* without brackets; empty: a Unix socket */
    unsigned port;
};

/* All parts are views of text, or constant. */
MUST_USE bool server_place_parse(struct str text, struct server_place *place_out, struct failure *why);

#endif
