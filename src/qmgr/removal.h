/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_REMOVAL_H
#define QMGR_REMOVAL_H

#include "qmgr/keeper.h"

/* removal - a message leaves the queue: its frame or file first, then the index. */

/* An active message that is finished. Waits. If its file cannot go now, it is tried again in a minute. */
void removal_remove(struct keeper *keeper, struct queued_message *message);

/* Whether removing it neither waits nor fails: it stands in the journal alone, where its outcomes are recorded. */
bool removal_is_at_once(const struct queued_message *message);

/* Takes away what a spill of this frame that was cut may have left. Waits; the message is moving meanwhile. */
void removal_clear_stale(struct keeper *keeper, const struct queued_message *message);

/* An active message of which nothing stands on the disk any more. */
void removal_forget(struct keeper *keeper, struct queued_message *message);

/* A message that is not active. Waits. The reason of a failure is logged and the message stays. */
MUST_USE bool removal_delete(struct keeper *keeper, struct queued_message *message);

#endif
