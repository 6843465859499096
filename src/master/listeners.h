/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include "master/configuration.h"

/*
 * listeners - the sockets of one service: made by what master.cf and inet_interfaces say, kept over a
 * reload where that has not changed, so that no connection which waits in a backlog is lost.
 */
enum { LISTENERS_MAX = 64 };

struct listener_socket {
    int fd;
    char place[120]; /* what it listens on, in full: two with the same place are the same socket */
};

struct listeners {
    struct listener_socket items[LISTENERS_MAX];
    size_t count;
};

/* Sockets of old with the same place move into *listeners_out; what old keeps is for listeners_close. */
MUST_USE bool listeners_open(const struct configuration *configuration, const struct master_service *entry,
                             struct listeners *old, struct listeners *listeners_out, struct failure *why);
/* Closes all; the files of Unix sockets that are not in kept (may be NULL) are removed. */
void listeners_close(struct listeners *listeners, const struct listeners *kept);

/* "public/pickup" or "private/bounce". */
struct str listeners_path(struct arena *arena, const struct master_service *entry);

#endif
