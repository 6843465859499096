/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_FD_H
#define OS_FD_H

#include "base/failure.h"

/*
 * fd - descriptors as such. All that lib/os opens is close-on-exec from birth; what a child
 * shall inherit is named when it is started (process.h).
 */

/* Closes *fd if it is not negative and leaves -1. Fits CLEANUP(); errno is kept. */
void fd_close(int *fd);

/* Hands the descriptor to the caller and leaves -1, so that CLEANUP finds nothing. */
int fd_take(int *fd);

MUST_USE bool fd_set_nonblocking(int fd, bool is_nonblocking, struct failure *why);
MUST_USE bool fd_set_close_on_exec(int fd, bool is_close_on_exec, struct failure *why);
/* A close-on-exec copy at the lowest number from least on. */
MUST_USE bool fd_copy(int fd, int least, int *copy_out, struct failure *why);
/* Both ends close-on-exec; [0] reads, [1] writes. */
MUST_USE bool fd_pipe(int ends_out[2], struct failure *why);
/* A file without a name, in memory. */
MUST_USE bool fd_memory(int *fd_out, struct failure *why);
/* Opens /dev/null on each of 0, 1 and 2 that is closed, so that no file can land there. */
MUST_USE bool fd_guard_standard(struct failure *why);
/* Raises the soft limit of open files to the hard one; returns the limit now in force. */
unsigned long fd_raise_limit(void);

#endif
