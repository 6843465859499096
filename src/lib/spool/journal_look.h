/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_JOURNAL_LOOK_H
#define SPOOL_JOURNAL_LOOK_H

#include "spool/envelope.h"
#include "spool/spool.h"

/*
 * journal_look - sees the messages that live in the journal, without owning it: for commands that show the queue,
 * and for those that change it while the system is down.
 *
 * Frames are shown with what the ledger says of them; finished and moved ones are left out. Nothing is locked, so
 * beside a running system a message may be shown that is being moved to a file at this moment: a file of the same id
 * outranks its frame. Paths are relative to the queue directory. Blocks.
 */
struct journal_message {
    unsigned segment;
    uint64_t frame_offset;
    const struct envelope *envelope; /* outcomes applied; with the content it is gone when seen() returns */
    struct str content;
};

/* False ends the look. */
typedef bool journal_seen(void *context, const struct journal_message *message);

MUST_USE bool journal_look(journal_seen *seen, void *context, struct failure *why);

/*
 * While the system is down: what a queue manager that was killed wrote to its ledgers, and journal_look believes, is
 * made durable.
 */
MUST_USE bool journal_settle(struct failure *why);

/*
 * While the system is down and the caller holds its lock: the message's file stands in queue, or (is_deleted) nobody
 * wants it any more; its frame must not come back. Durable when it returns true.
 */
MUST_USE bool journal_strike_out(const struct journal_message *message, bool is_deleted, enum spool_queue queue,
                                 struct failure *why);

#endif
