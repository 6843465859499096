/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_LOADER_H
#define QMGR_LOADER_H

#include "qmgr/keeper.h"

/*
 * loader - takes ready messages into the active queue while there is room: reads the envelope, logs "queue active", and
 * gives them to the delivering side. New and deferred mail take turns, and deferred mail leaves a fifth of the room to
 * new mail.
 */

/* Starts loaders where there is work and room. Cheap: call it whenever either may have changed. */
void loader_wake(struct keeper *keeper);

/* The message leaves the active queue: frees what was loaded. */
void loader_release(struct keeper *keeper, struct queued_message *message);

/*
 * Reads a message's envelope without activating it (listing, control). In a fiber. FAILURE_NONE: it is gone. All of it
 * is in the arena, also that of one in delivery, which may end while the reader waits.
 */
MUST_USE bool loader_read_envelope(struct keeper *keeper, struct queue_id id, struct arena *arena,
                                   struct envelope *envelope_out, struct failure *why);

/* Where the message's file stands. */
void loader_file_path(const struct keeper *keeper, const struct queued_message *message, char path[SPOOL_PATH_SIZE]);

#endif
