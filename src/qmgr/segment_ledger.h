/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SEGMENT_LEDGER_H
#define QMGR_SEGMENT_LEDGER_H

#include "qmgr/keeper.h"
#include "qmgr/live_segments.h"

/*
 * segment_ledger - what became of the messages of a live segment, as its ledger says it: records of this process, and
 * the past, that is what stood there when it was opened or what a message that goes on from the journal must know.
 */

/* Writes one record; recipient is LEDGER_WHOLE_MESSAGE for all. Not durable before a sync. */
MUST_USE bool segment_ledger_record(struct queued_message *message, enum ledger_type type, unsigned detail,
                                    uint32_t recipient, struct failure *why);

/* For ledger_open: context is the segment. Then sort once. */
void segment_ledger_see(void *context, const struct ledger_record *record);
void segment_ledger_sort_past(struct live_segment *segment);
/* Finished recipients of a frame that goes on from the journal, for its next activation. */
void segment_ledger_remember(struct queued_message *message, uint32_t recipient, enum ledger_type type);
/* What the past says of this frame; the segment's. */
const struct ledger_record *segment_ledger_past(const struct queued_message *message, size_t *count_out);
/* Marks in the envelope what the past says of this frame. */
void segment_ledger_apply_past(const struct queued_message *message, struct envelope *envelope);

/* All that was recorded so far is durable when it returns true. In a fiber. A segment that is gone was synced before.
 */
MUST_USE bool segment_ledger_sync(struct keeper *keeper, unsigned number, struct failure *why);
MUST_USE bool segment_ledger_sync_all(struct keeper *keeper, struct failure *why);
/* The same in a fiber of its own, if there is anything to sync. */
void segment_ledger_sync_soon(struct keeper *keeper);

#endif
