/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_HANDOVER_H
#define QMGR_HANDOVER_H

#include "qmgr/keeper.h"

/*
 * handover - a queue manager that retires with deliveries in hand leaves the queue to its successor and stays as a
 * courier: its agents finish on the channels they have, and what they say is carried to the successor, which records it
 * and then is the one that answers. Until then the successor leaves those messages alone.
 *
 * A courier that dies costs what it carried: those messages are delivered again.
 */
struct daemon_call;

/*
 * In the one that goes, when nothing moves any more but what agents have in hand: gives up segments and ledgers, tells
 * master that the successor may start, and returns when the last delivery has ended and is recorded, or there is nobody
 * left to tell.
 */
void handover_carry(struct keeper *keeper);

/* Whether somebody carries. In a fiber; the mark of an unclean end stays while it is so. */
bool handover_is_under_way(struct keeper *keeper);

/* In the successor, before it dispatches anything: waits, at most timeout, until those that carry have told what. */
void handover_wait(struct keeper *keeper, struct duration timeout);

/* The operation by which they tell: deliver_census_reply, answered by deliver_recorded when it has outcomes. */
MUST_USE bool handover_take(struct daemon_call *call, struct failure *why);

#endif
