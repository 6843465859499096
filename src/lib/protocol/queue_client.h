/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_QUEUE_CLIENT_H
#define PROTOCOL_QUEUE_CLIENT_H

#include "protocol/queue.h"

/*
 * queue_client - one request to the queue manager from a command, which has no loop of its own.
 * Relative paths count from the working directory, which is the queue directory.
 */

/* Blocks. why->error is ENOENT or ECONNREFUSED when the system is down. The reply lives in arena. */
MUST_USE bool queue_client_control(const char *path, const struct queue_control *request, struct arena *arena,
                                   struct duration timeout, const struct queue_controlled **reply_out,
                                   struct failure *why);

/* Whether why means that nobody listens there. */
bool queue_client_is_down(const struct failure *why);

#endif
