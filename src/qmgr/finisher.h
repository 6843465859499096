/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_FINISHER_H
#define QMGR_FINISHER_H

#include "qmgr/keeper.h"

/*
 * finisher - records outcomes, and decides what becomes of a message after an activation: expired recipients fail, the
 * sender is told, what is left is deferred, and what is finished is removed.
 */

/* hooks.record */
bool finisher_record(void *context, struct active_message *active, const size_t *places, size_t count,
                     struct failure *why);
/* hooks.finished */
void finisher_finished(void *context, struct active_message *active);

/* As finished, in a fiber of its own. The message is active. */
void finisher_finish(struct keeper *keeper, struct queued_message *message);

/*
 * Removes a message that is not active: the ledger or the file first, then the index. Waits. The reason of a
 * failure is logged and the message stays.
 */
bool finisher_delete(struct keeper *keeper, struct queued_message *message);

#endif
