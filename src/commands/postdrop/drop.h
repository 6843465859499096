/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTDROP_DROP_H
#define POSTDROP_DROP_H

#include "base/failure.h"
#include "base/str.h"

#include <stdint.h>

/* Says whether the submission's envelope sender is allowed; else *why has EPERM, or a table's trouble. */
typedef bool drop_sender_check(void *context, struct str sender, struct failure *why);

/*
 * drop - copies one submission from a descriptor into a new file of maildrop/ and makes it durable.
 *
 * The working directory is the queue directory. On any failure nothing stays behind. FAILURE_PERMANENT with EFBIG: the
 * message passes the size limit; FAILURE_PROTOCOL: the input is no whole submission; else the disk.
 */
MUST_USE bool drop_message(int fd, int64_t message_size_limit, drop_sender_check *may_send_as, void *context,
                           struct failure *why);

#endif
