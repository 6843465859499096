/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_TURN_H
#define MASTER_TURN_H

#include "master/supervisor.h"

/* turn - master's loop: waits for signals, words of processes and connections, and hands each on. */

/* Until everything is stopped. signal_fd tells SIGTERM, SIGINT, SIGQUIT, SIGHUP and SIGCHLD. */
void turn_run(struct supervisor *supervisor, int signal_fd);

#endif
