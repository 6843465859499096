/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_THROTTLE_H
#define MASTER_THROTTLE_H

#include "base/time.h"

/*
 * throttle - when a service whose processes die may be started again.
 *
 * At once, the first two times; the third death within 10 seconds begins a pause of 1 s, and each death after a
 * pause doubles it up to a limit: one bad input a minute must not stop the mail, a program that cannot start
 * must not eat the machine. A service that ran for 10 seconds after a pause starts with a clean slate.
 */
enum { THROTTLE_DEATHS = 3 };

struct throttle {
    struct instant deaths[THROTTLE_DEATHS]; /* the last ones, newest first; 0: none */
    struct duration pause;                  /* of the back-off in force, 0: none */
    struct instant until;
};

/*
 * Counts the death of a process that was started at that time; returns the pause that begins now, 0 if it may start at
 * once. Those that die together count once: only one that was started after the last death counted says anything new.
 */
struct duration throttle_add_death(struct throttle *throttle, struct instant started, struct instant now,
                                   struct duration limit);
bool throttle_is_paused(const struct throttle *throttle, struct instant now);
/* As if nothing had died, after a reload. */
void throttle_reset(struct throttle *throttle);

#endif
