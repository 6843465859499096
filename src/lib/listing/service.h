/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LISTING_SERVICE_H
#define LISTING_SERVICE_H

#include "base/failure.h"
#include "config/shared_settings.h"
#include "protocol/showq.h"

#include <stdio.h>

/* service - the listing as showq gives it, for commands, which have no loop. The queue directory is the cwd. Blocks. */

/* queue_client_is_down says whether why means that the mail system is down. *fd_out is the caller's to close. */
MUST_USE bool listing_connect(const struct shared_settings *shared, struct arena *arena, int *fd_out,
                              struct failure *why);

/*
 * Reads to the end. out is what the sink writes to: an error there ends the reading, EPIPE if its reader has seen
 * enough (postqueue -p | head).
 */
MUST_USE bool listing_from_service(int fd, const struct showq_sink *sink, FILE *out, struct failure *why);

#endif
