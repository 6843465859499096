/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SUCCESSOR_H
#define QMGR_SUCCESSOR_H

#include "protocol/queue.h"
#include "qmgr/keeper.h"

/*
 * successor - what reaches a queue manager that leaves is passed on to the next one, which acts and answers: nobody is
 * told that something is done by one who does it no more.
 */

/* Whether the next one is to act: this one has left the queue, or tries no delivery any more and was asked for one. */
bool successor_must_act(const struct keeper *keeper, bool is_attempt);

/*
 * Asks it, once there is one. In a fiber; this process stays until then. The reply lives in arena. False when the
 * system stops, or nobody comes in this one's place.
 */
MUST_USE bool successor_ask(struct keeper *keeper, const struct queue_control *request, struct arena *arena,
                            const struct queue_controlled **reply_out, struct failure *why);

/* When this one begins to leave: what it was asked to try, and has not, is asked of the next one. */
void successor_note_flush(struct keeper *keeper);
/* The queue is the next one's, and master may start it. Repeated, it does nothing. */
void successor_make_way(struct keeper *keeper);
/*
 * Nothing more is done to the queue here: one that retires makes way, and the flush that was noted is asked for.
 * Repeated, it does nothing.
 */
void successor_settled(struct keeper *keeper);

#endif
