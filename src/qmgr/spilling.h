/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SPILLING_H
#define QMGR_SPILLING_H

#include "qmgr/keeper.h"
#include "spool/queue_file.h"

/*
 * spilling - messages leave the journal for files of their own, by the spill service, in batches. The frame counts
 * until spill says that the file is durable; then the ledger says "moved" and the file counts.
 */
struct live_segment;

struct spiller *spiller_create(struct keeper *keeper);
/* Nothing is moving. */
void spiller_destroy(struct spiller **spiller);

/*
 * Moves one message; waits. The message must not be moving already, and its owner is the caller. True: it is a file in
 * that queue. False: it stands in the journal as before.
 */
MUST_USE bool spilling_move(struct keeper *keeper, struct queued_message *message, enum spool_queue queue,
                            int64_t next_attempt, unsigned add_flags, const struct queue_file_outcome *outcomes,
                            size_t count, struct failure *why);

/* Begins to move whatever stands in the segment: untried messages to incoming/, those in delivery to active/. */
void spilling_start_segment(struct keeper *keeper, struct live_segment *segment);

/* A disk that takes no file fails for each message; the log hears of it once a minute. */
void spilling_warn(struct keeper *keeper, const struct failure *why);

#endif
