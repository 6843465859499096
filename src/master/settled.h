/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_SETTLED_H
#define MASTER_SETTLED_H

#include "base/failure.h"
#include "base/time.h"
#include "config/in_force.h"

/*
 * settled - commands that changed a table or the configuration connect to IN_FORCE_SOCKET and wait for its end: it
 * comes when whatever takes new work has read the change, or after a time that is long enough for anybody.
 */
enum { SETTLED_ASKERS_MAX = 16 };

struct settled {
    int listener; /* -1: closed */
    size_t count;
    struct {
        int fd;
        struct instant until;
    } askers[SETTLED_ASKERS_MAX];
};

/* In the queue directory. Only root, or the user whose instance it is, may ask. */
MUST_USE bool settled_open(struct settled *settled, struct failure *why);
void settled_close(struct settled *settled);
/* Where to wait for those who connect; -1: nobody more is taken now. */
int settled_listener(const struct settled *settled);
/* Those who have connected wait from now on; beyond the maximum they stay where they are until others were let go. */
void settled_take(struct settled *settled, struct instant now);
/* Lets go those who have waited long enough; with is_settled, all. They hear the words first, if there are any. */
void settled_release(struct settled *settled, bool is_settled, struct str words, struct instant now);

#endif
