/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_WALKER_H
#define QMGR_WALKER_H

#include "qmgr/keeper.h"

/*
 * walker - looks through the folders by name and stat alone: files that appeared are taken up, entries whose file is
 * gone are dropped. Delivery never waits for it.
 */

/* Only incoming/ and active/: where what was in delivery stands after a crash. In a fiber. */
void walker_walk_active(struct keeper *keeper);
/* All queues, in a fiber of its own, so slowly that it hurts nobody; nothing when one is walking already. */
void walker_start(struct keeper *keeper);
/* All queues as fast as it goes, from the first on: somebody waits for it. */
void walker_start_now(struct keeper *keeper);

/*
 * A file that cleanup, or a person, put there: looks for it by its id and takes it up. NULL: there is none, or its
 * writer has not let go of it. In a fiber.
 */
struct queued_message *walker_take_up(struct keeper *keeper, struct queue_id id);

#endif
