/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_POLLER_H
#define RUN_POLLER_H

#include "base/failure.h"
#include "base/time.h"

/*
 * poller - waiting in a fiber until a descriptor is ready: below streams and listeners, and for descriptors
 * of other libraries. It does not own the descriptor, which must stay open until poller_destroy.
 * Fibers that wait for the same direction are woken together.
 */
struct loop;
struct poller;

enum poller_direction {
    POLLER_READ,
    POLLER_WRITE,
};

/*
 * The descriptor, which becomes non-blocking, must be one that epoll takes (socket, pipe, pidfd; not a regular file),
 * or waiting for it fails.
 */
MUST_USE bool poller_create(struct loop *loop, int fd, struct poller **poller_out, struct failure *why);
/* Nobody may be waiting. Leaves *poller NULL; a NULL poller is fine. */
void poller_destroy(struct poller **poller);

/* True also on error or hang-up: the next read or write tells. FAILURE_TIMEOUT; FAILURE_STOPPED after poller_abort. */
MUST_USE bool poller_wait(struct poller *poller, enum poller_direction direction, struct duration timeout,
                          struct failure *why);
/*
 * Without a system call: the descriptor is watched, and the loop has seen nothing on it since the last wait. False
 * says nothing.
 */
bool poller_is_silent(const struct poller *poller, enum poller_direction direction);
/* Somebody has waited, so that waiting again costs little. */
bool poller_has_waited(const struct poller *poller);
/* The waiters and all later waits fail with FAILURE_STOPPED. */
void poller_abort(struct poller *poller);
/* Who waits in this direction now fails with FAILURE_STOPPED; later waits are not touched. */
void poller_interrupt(struct poller *poller, enum poller_direction direction);

#endif
