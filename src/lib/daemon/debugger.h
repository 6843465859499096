/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DEBUGGER_H
#define DAEMON_DEBUGGER_H

struct shared_settings;

/*
 * Runs debugger_command (with "-D") by the shell, with the rights that this process still has, and waits for its end: a
 * debugger that shall stay puts itself into the background. Without a command that is told, and nothing is run.
 */
void debugger_run(const struct shared_settings *shared);

#endif
