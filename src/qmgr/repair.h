/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_REPAIR_H
#define QMGR_REPAIR_H

#include "qmgr/keeper.h"

/*
 * repair - files that a restore, a mistake or a crash left where they do not belong: in the wrong hashed folder, in two
 * queues at once, under the name of another message. They are moved to where they count, or to corrupt/; nothing is
 * ever removed.
 */

/* On a thread: a file that does not stand where its queue says goes there. False: another one stands there. */
bool repair_place(const struct spool_settings *spool, const struct spool_entry *entry);

/*
 * In a fiber, for a message whose file was seen in more than one queue and that nobody has in hand: the complete one
 * with the most in it counts. True with its queue when there is one.
 */
bool repair_twins(struct keeper *keeper, struct queued_message *message, enum spool_queue *queue_out);

/*
 * In a fiber: the file of that name and queue holds another message. It gets that message's name, or goes to corrupt/
 * when that message is known. The entry of the wrong name is the caller's to remove.
 */
void repair_name(struct keeper *keeper, struct queue_id name, enum spool_queue queue, struct queue_id real);

#endif
