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

enum command_log_flag {
    /* The working directory is queue_directory: the socket is reached however long its path is. */
    COMMAND_LOG_IN_QUEUE = 1 << 0,
    /* While postlogd is not there, the command writes its file: for the one that starts and stops it. */
    COMMAND_LOG_WITHOUT_POSTLOGD = 1 << 1,
};

MUST_USE bool command_log_open(const struct shared_settings *shared, const char *program, unsigned flags,
                               struct arena *arena, struct failure *why);

#endif
