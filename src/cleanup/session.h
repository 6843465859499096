/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_SESSION_H
#define CLEANUP_SESSION_H

#include "base/failure.h"

struct daemon_call;

/* session - the conversation about one message, from cleanup_open to cleanup_result; an operation of the daemon. */
bool session_run(struct daemon_call *call, struct failure *why);

#endif
