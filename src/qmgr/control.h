/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_CONTROL_H
#define QMGR_CONTROL_H

#include "daemon/daemon.h"
#include "qmgr/keeper.h"

/* control - the queue protocol (public/qmgr): notices from cleanup, and what administrators ask for. */
bool control_durable(struct daemon_call *call, struct failure *why);
bool control_control(struct daemon_call *call, struct failure *why);

/* Once it is not on its way between two places; NULL when it is gone. May wait. */
struct queued_message *control_find_resting(struct keeper *keeper, struct queue_id id);
/* The queue that people see it in. */
struct str control_queue_of(const struct queued_message *message);

/* Puts one that is not in delivery on hold; it stays where it was on failure. May wait. */
MUST_USE bool control_hold(struct keeper *keeper, struct queued_message *message, struct failure *why);

/* Every deferred message is tried now, dead destinations too. In a fiber: while this one leaves, it is passed on. */
void control_flush(struct keeper *keeper);

#endif
