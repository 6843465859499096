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
/* All queues; starts a fiber, unless one is walking already. */
void walker_start(struct keeper *keeper);

/* A file that cleanup, or a person, put there: looks for it by its id and takes it up. NULL: there is none. In a fiber.
 */
struct queued_message *walker_take_up(struct keeper *keeper, struct queue_id id);

#endif
