/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_LISTEN_PLACE_H
#define CONFIG_LISTEN_PLACE_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/ip_address.h"
#include "base/strlist.h"
#include "config/master_cf.h"

/*
 * listen_place - where the services of a master.cf listen, worked out before any socket is opened, so that master
 * and the checks agree on it and two services that want one place are found.
 *
 * Names of hosts are asked of the system's resolver, which may block. All memory is the arena's.
 */
struct shared_settings;

enum { LISTEN_PLACES_MAX = 64 };

struct listen_place {
    struct str path;           /* of a Unix socket or fifo, below queue_directory; empty: Internet */
    struct ip_address address; /* 0.0.0.0 and :: listen for all of their family */
    unsigned port;
    bool may_be_missing; /* "::" where this kernel may not have IPv6, and IPv4 is wanted too */
};

struct listen_places {
    struct listen_place *items;
    size_t count;
};

/* The failure names no service. */
MUST_USE bool listen_places_of(const struct shared_settings *shared, const struct master_service *service,
                               struct arena *arena, struct listen_places *places_out, struct failure *why);

/* "public/pickup", "127.0.0.1 port 25" */
struct str listen_place_text(const struct listen_place *place, struct arena *arena);

/*
 * Whether each service of the list that Merpati starts can have its places to itself; the failure names the two that
 * share one. Those whose places cannot be told are passed over.
 */
MUST_USE bool listen_places_are_apart(const struct shared_settings *shared, const struct master_service *services,
                                      size_t count, struct failure *why);

/* "public/pickup" or "private/bounce". */
struct str listen_path(const struct master_service *service, struct arena *arena);

#endif
