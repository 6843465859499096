/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_JAIL_H
#define DAEMON_JAIL_H

#include "config/shared_settings.h"
#include "daemon/arguments.h"
#include "daemon/daemon.h"

/*
 * jail - what a process gives up before it meets its first peer: root directory, user, capabilities, the right to
 * gain rights, system calls. As an ordinary user there is no root to give up; the filter of system calls stays.
 */

/* The working directory is queue_directory. Services that face the network are chrooted whatever master.cf says. */
MUST_USE bool jail_enter(const struct daemon_program *program, const struct daemon_arguments *arguments,
                         const struct shared_settings *settings, struct failure *why);

/* Before jail_enter: whether it will change the root directory. */
bool jail_has_root(const struct daemon_program *program, const struct daemon_arguments *arguments);

#endif
