/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_NEWCOMERS_H
#define QMGR_NEWCOMERS_H

#include "qmgr/keeper.h"

/*
 * newcomers - mail that was acknowledged, and that nobody has told of here yet.
 *
 * cleanup acknowledges as soon as a message is durable and tells of it a moment later, so that accepting waits for
 * nobody. Who looks at the queue in that moment must find the message all the same. So before an answer the disk is
 * asked: where each segment's next frame would stand, and for names in incoming/ and hold/ that are not known. Frames
 * are never taken from there, as they may not be durable: their notice is waited for, which the writer owes. A complete
 * file that its writer has let go of is taken up at once. Accepting costs nothing for it; a look costs some reads for
 * each segment.
 */

/* Until all that was acknowledged before the call is known; a log line if that takes more than ten seconds. In a fiber.
 */
void newcomers_wait(struct keeper *keeper);

/* The file of that message, if it is complete and its writer has let go of it. In a fiber. */
void newcomers_take_up(struct keeper *keeper, struct queue_id id);

#endif
