/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_IN_FORCE_H
#define CONFIG_IN_FORCE_H

#include "base/arena.h"
#include "base/str.h"

/*
 * in_force - a command that changed a table, or asked for a reload, returns when the change holds for all that comes
 * after it: newaliases and then a message must not meet the old aliases.
 */

/* master listens there, in the queue directory. When nothing is left of the time before, it sends what was wrong with
 * the last reload, a line each, and closes the connection. */
#define IN_FORCE_SOCKET "pid/master.settled"

enum { IN_FORCE_SECONDS = 5 };

/*
 * Waits at most IN_FORCE_SECONDS; what master says goes to complaints_out, unless that is NULL. True at once where the
 * system of this queue directory is not running, or may not be asked by this user; false if services that cannot start
 * anew go on with what was.
 */
bool in_force_wait(struct str queue_directory, struct arena *arena, struct str *complaints_out);

#endif
