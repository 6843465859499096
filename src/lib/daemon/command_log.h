/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_COMMAND_LOG_H
#define DAEMON_COMMAND_LOG_H

#include "base/arena.h"
#include "base/failure.h"

/*
 * command_log - the log of a command that people type: the same sink as the daemons', as "syslog_name/program", and
 * standard error. What a daemon does stands in daemon.c.
 */
struct shared_settings;

/* is_in_queue: the working directory is queue_directory, and the socket is reached however long its path is. */
MUST_USE bool command_log_open(const struct shared_settings *shared, const char *program, bool is_in_queue,
                               struct arena *arena, struct failure *why);

#endif
