/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_WATCHDOG_H
#define OS_WATCHDOG_H

#include "base/time.h"

/*
 * watchdog - ends a process that does not get on: unless it is fed again, expired is called after the time (at least a
 * second, whole seconds). expired runs as a signal handler, in the middle of whatever hangs, and is to end the process;
 * if that takes more than some seconds, the kernel ends it. Not inherited by children.
 */
void watchdog_start(struct duration time, void (*expired)(int signal));
/* Begins the time again. */
void watchdog_feed(struct duration time);
/* No time passes until it is fed. */
void watchdog_rest(void);

#endif
