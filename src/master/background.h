/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_BACKGROUND_H
#define MASTER_BACKGROUND_H

#include "base/failure.h"

/*
 * background - the parent of a master that goes to the background waits until the master is ready, or has
 * said why it is not, and ends with 0 or 1.
 */

/* Returns in the child; *report_out tells background_ready, -1 it needs no call. The parent never returns. */
MUST_USE bool background_enter(int *report_out, struct failure *why);
/* Lets the parent end with 0, and standard input, output and error go. */
void background_ready(int *report);

#endif
