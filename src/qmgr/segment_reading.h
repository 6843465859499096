/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SEGMENT_READING_H
#define QMGR_SEGMENT_READING_H

#include "spool/ledger.h"
#include "spool/spool.h"

/*
 * segment_reading - which messages a part of a segment holds that are not finished. Blocks: for a thread, on data of
 * its own (or for the loop, when a part of the page cache was read already).
 */
struct found_frame {
    struct queue_id id;
    uint64_t offset;
    uint64_t length;   /* header included */
    bool is_outranked; /* a complete file with this id stands in the queue */
};

struct segment_reading {
    /* in */
    unsigned number;
    int fd;
    const struct segment_header *header;
    const struct seal *seal;
    uint64_t from;   /* a multiple of SEGMENT_STEP */
    uint64_t to;     /* UINT64_MAX: sync the segment and read all there is */
    bool is_careful; /* look for files that outrank a frame */
    struct spool_settings spool;
    const struct ledger_record *past; /* by frame offset */
    size_t past_count;
    char *room; /* for segment_reading_run_cached: as many bytes as are read, or NULL */

    /* out: the caller frees frames */
    struct found_frame *frames;
    size_t count;
    size_t capacity;
    uint64_t end;     /* of the last valid group */
    size_t damaged;   /* places of rot, saved in corrupt/ */
    bool is_unsynced; /* the sync failed; why says it */
    bool is_done;
    struct failure why;
};

void segment_reading_run(struct segment_reading *reading);
/* How many bytes it reads at most. */
size_t segment_reading_size(const struct segment_reading *reading);
/* The same when the part is in memory and the rest is in the page cache; false: run it on a thread. Never waits. */
MUST_USE bool segment_reading_run_cached(struct segment_reading *reading);

/* Whether a whole file with this id stands in a queue, durably; one that is not whole is taken out of the way. Blocks.
 */
bool segment_reading_file_counts(const struct spool_settings *spool, struct queue_id id);

/* What rotted is kept for a person, durably. Blocks. */
MUST_USE bool segment_reading_save(const struct segment_header *header, uint64_t from, struct str bytes,
                                   struct failure *why);

/* The records about the frame at this offset: the first (NULL if there is none) and how many. */
const struct ledger_record *ledger_records_of(const struct ledger_record *past, size_t past_count, uint64_t offset,
                                              size_t *count_out);

#endif
