/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_LIVE_SEGMENTS_H
#define QMGR_LIVE_SEGMENTS_H

#include "qmgr/keeper.h"
#include "spool/ledger.h"

/*
 * live_segments - the journal as the queue manager sees it: segments with messages that are not finished, their
 * ledgers, and the way back to being free.
 *
 * A segment whose writer holds its lock is read up to the offset that the writer said is durable. As soon as the lock
 * can be had, it is ours: synced, and read to its last valid frame. When all its messages are finished or have moved to
 * files, its ledger is synced and it is marked free.
 */
struct live_segment {
    struct list node;
    struct keeper *keeper;
    unsigned number;
    uint64_t use; /* as told; 0: not known before it is open */
    int fd;       /* -1: not open yet */
    bool has_lock;
    bool is_reading;
    bool is_read_whole;
    bool is_syncing;
    struct segment_header header;
    struct seal seal;
    struct ledger *ledger;
    uint64_t durable; /* told by the writer */
    uint64_t read_to;
    struct list messages; /* struct queued_message by sibling */
    size_t message_count;
    struct instant oldest; /* loop time when its first message was read */
    /* What the ledger said when it was opened, and of messages whose spill failed; by frame offset. */
    struct ledger_record *past;
    size_t past_count;
    size_t past_capacity;
};

/* Where its frame stands in its segment. */
static inline uint64_t live_segments_frame_offset(const struct queued_message *message)
{
    return (uint64_t) message->frame_at * FRAME_ALIGNMENT;
}

/* From cleanup. */
void live_segments_notice(struct keeper *keeper, unsigned number, uint64_t use, uint64_t offset);
/* From orphan_segments: a segment that has no writer, its lock held. Leaves *fd -1. */
void live_segments_adopt(struct keeper *keeper, unsigned number, const struct segment_header *header, int *fd);
/* Serves those whose writer let go of the lock. */
void live_segments_try_locks(struct keeper *keeper);
/* Looks, and waits until all that can be read is read and its records are durable. In a fiber. */
void live_segments_recover(struct keeper *keeper);
/* Every second: locks, ledgers, and messages that are old enough for a file. */
void live_segments_tick(struct keeper *keeper);
/* Nothing is left: every segment is free again, or with its writer and empty. */
bool live_segments_are_gone(const struct keeper *keeper);

/* Makes ledgers durable as far as the disk lets us, and lets go of all: what is queued is no more ours. In a fiber. */
void live_segments_give_up(struct keeper *keeper);

/* The message is finished or a file now: its frame is no more looked at. */
void live_segments_leave(struct keeper *keeper, struct queued_message *message);
/* Whether this use of the segment began before this queue manager: another one may have had spills under way. */
bool live_segments_is_earlier(const struct live_segment *segment);
struct live_segment *live_segments_find(const struct keeper *keeper, unsigned number);

/* What the frame holds, checked; good until the next call, which no other fiber makes before one that does not wait.
 * FAILURE_PERMANENT: damaged. */
MUST_USE bool live_segments_load(const struct queued_message *message, struct str *payload_out, struct failure *why);

#endif
