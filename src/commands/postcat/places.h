/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCAT_PLACES_H
#define POSTCAT_PLACES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

/*
 * places - where in its file each field of a message stands (postcat -o), and the fields in the order of the file
 * (postcat -r, -s). The numbers of fields and frames are those of docs/queue.md.
 */
enum { PLACES_TAGS = 256, PLACES_RECIPIENT = 29 };

struct places {
    uint64_t content_frame; /* 0: there is none of its own */
    uint64_t content;       /* the first byte */
    uint64_t envelope_frame;
    uint64_t end_frame;
    uint64_t of_tag[PLACES_TAGS]; /* the first of each; 0: there is none */
    uint64_t *recipients;         /* in order */
    size_t recipient_count;
    size_t recipient_capacity;
    struct arena *arena;
};

/* One field, or a frame without fields (tag 0). Views end with the call. False ends the walk. */
struct place_record {
    unsigned frame; /* enum frame_type */
    unsigned tag;
    uint64_t offset;
    struct str value;
};

typedef bool place_told(void *context, const struct place_record *record);

/* Of a queue file; its content is one record, whose value is empty. */
MUST_USE bool places_walk_file(int fd, place_told *told, void *context, struct failure *why);

MUST_USE bool places_of_file(int fd, struct arena *arena, struct places *places_out, struct failure *why);
/* Of a frame in a segment of the journal; fd is the segment's. */
MUST_USE bool places_of_frame(int fd, uint64_t offset, struct arena *arena, struct places *places_out,
                              struct failure *why);

#endif
