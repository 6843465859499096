/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_SEGMENT_H
#define SPOOL_SEGMENT_H

#include "base/failure.h"
#include "base/time.h"
#include "spool/frame.h"

/*
 * segment - the journal's files: their names, headers, and the one way to find the frames in them.
 *
 * Who holds the lock of a segment may write its header: a writer to begin a use, qmgr to free it. All calls but the
 * scan block.
 */
enum {
    SEGMENT_NUMBER_MAXIMUM = 999,
    SEGMENT_STEP = 4096, /* header, groups */
    SEGMENT_PATH_SIZE = 40,
    SEGMENT_SIZE_MINIMUM = 64 * 1024,
    SEGMENT_MESSAGE_PREFIX = 8, /* payload of a message frame before its envelope */
};

struct segment_header {
    unsigned number;
    bool is_live;
    struct seal_salt salt;
    uint64_t size;
    struct instant started; /* of this use */
    unsigned writer;
};

void segment_path(unsigned number, char path[SEGMENT_PATH_SIZE]);
void segment_ledger_path(unsigned number, char path[SEGMENT_PATH_SIZE]);
/* From a name inside journal/; false for other files. */
MUST_USE bool segment_number_of(const char *name, unsigned *number_out);
/* The numbers of all segments there are, ascending; at most SEGMENT_NUMBER_MAXIMUM. */
MUST_USE bool segment_list(unsigned *numbers_out, size_t *count_out, struct failure *why);

/*
 * Zero-filled, synced with its folder, header free; its ledger is made with it. Written under a temporary name first
 * (with the writer's number, so that two do not meet). FAILURE_RETRY with EEXIST if the segment is there.
 */
MUST_USE bool segment_create(unsigned number, unsigned writer, uint64_t size, struct failure *why);

/* Opens for reading and writing without lock. */
MUST_USE bool segment_open(unsigned number, int *fd_out, struct failure *why);
/* FAILURE_PERMANENT when what stands there is no header of this segment. */
MUST_USE bool segment_read_header(int fd, unsigned number, struct segment_header *header_out, struct failure *why);
MUST_USE bool segment_write_header(int fd, const struct segment_header *header, bool is_synced, struct failure *why);

void segment_header_encode(const struct segment_header *header, unsigned char block[SEGMENT_STEP]);
MUST_USE bool segment_header_decode(struct str bytes, unsigned number, struct segment_header *header_out);

void segment_seal(const struct segment_header *header, struct seal *seal_out);

struct segment_scan {
    const struct seal *seal;
    /* Each valid message frame, in order. False ends the scan. */
    bool (*frame)(void *context, const struct frame *frame, struct str payload);
    /* Bytes from..to hold what was a frame and is not valid, but a valid one follows: rot. May be NULL. */
    void (*damage)(void *context, uint64_t from, uint64_t to);
    void *context;
};

/*
 * Finds the frames in bytes, which stand at base (a multiple of SEGMENT_STEP) in the segment. Returns where the last
 * valid group ends, rounded up to SEGMENT_STEP; base if there is none.
 */
uint64_t segment_scan(const struct segment_scan *scan, struct str bytes, uint64_t base);

/* Cuts a message frame's payload. */
MUST_USE bool segment_message(struct str payload, struct str *envelope_out, struct str *content_out);

#endif
