/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include "config/listen_place.h"
#include "master/configuration.h"

/*
 * listeners - the sockets of one service: made by what master.cf and inet_interfaces say, kept over a
 * reload where that has not changed, so that no connection which waits in a backlog is lost.
 */
enum { LISTENERS_MAX = LISTEN_PLACES_MAX };

struct listener_socket {
    int fd;
    char place[120]; /* what it listens on, in full: two with the same place are the same socket */
};

struct listeners {
    struct listener_socket items[LISTENERS_MAX];
    size_t count;
};

struct listeners_wish {
    const struct configuration *configuration;
    const struct master_service *entry;
    struct listeners *const *old; /* what was open before, of this service and of those that are gone; NULL ends it */
    bool is_patient;              /* waits some seconds for a port that is in use */
};

/* Sockets of old with the same place move into *listeners_out; what old keeps is for listeners_close. */
MUST_USE bool listeners_open(const struct listeners_wish *wish, struct listeners *listeners_out, struct failure *why);
/* Closes those that are files, and removes them; the others stay for who may take them over. */
void listeners_close_local(struct listeners *listeners);
/* Closes all; the files of Unix sockets that are not in kept (may be NULL) are removed. */
void listeners_close(struct listeners *listeners, const struct listeners *kept);

#endif
