/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_FINISHER_H
#define QMGR_FINISHER_H

#include "qmgr/keeper.h"

/*
 * finisher - decides what becomes of a message after an activation: expired recipients fail, the sender is told, what
 * is left is deferred, and what is finished is removed.
 */

/* hooks.finished */
void finisher_finished(void *context, struct active_message *active);

/* A portion of a message is through: its successes are told, and what is new of it is written to the file. */
void finisher_end_portion(struct keeper *keeper, struct queued_message *message, struct active_message *portion);

/* As finished, in a fiber of its own. The message is active. */
void finisher_finish(struct keeper *keeper, struct queued_message *message);

#endif
