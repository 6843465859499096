/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_SIGNALS_H
#define OS_SIGNALS_H

#include "base/failure.h"

#include <stddef.h>

/* signals - as descriptors, and the dispositions a program starts with. */

/* SIGPIPE is ignored and SIGXFSZ too (the call fails with EFBIG); every program calls it first. */
void signals_init(void);

/* Blocks the signals and returns a non-blocking descriptor that tells them. */
MUST_USE bool signals_open(const int *signals, size_t count, int *fd_out, struct failure *why);
/* The next signal, 0 when there is none. */
int signals_next(int fd);

/* Everything unblocked and at its default, for a child before exec. Async-signal-safe. */
void signals_reset(void);

#endif
