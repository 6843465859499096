/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_FRAME_H
#define SPOOL_FRAME_H

#include "spool/queue_id.h"
#include "spool/seal.h"

/* frame - the unit of segments and queue files: a sealed header of 48 bytes, then the payload. See docs/queue.md. */
enum frame_type {
    FRAME_MESSAGE = 1,
    FRAME_CONTENT,
    FRAME_ENVELOPE,
    FRAME_RECIPIENTS,
    FRAME_END,
    FRAME_STATUS,
};

enum { FRAME_HEADER_SIZE = 48, FRAME_ALIGNMENT = 8 };

struct frame {
    enum frame_type type;
    struct queue_id id;
    uint64_t offset; /* of the header, in its file */
    uint64_t length; /* of the payload */
    uint64_t digest; /* of the payload */
    bool is_last;    /* of its group in a segment: the next frame is at a multiple of 4096 */
};

void frame_encode(const struct frame *frame, const struct seal *seal, unsigned char header[FRAME_HEADER_SIZE]);
/*
 * Whether bytes begin with a header that is valid at this offset. The payload is not looked at. The length is below
 * 2^48, so that adding to it is safe.
 */
MUST_USE bool frame_decode(struct str bytes, uint64_t offset, const struct seal *seal, struct frame *frame_out);

/*
 * The first place at or behind from, a multiple of FRAME_ALIGNMENT, where something begins that looks like a header;
 * the end of bytes, or a little less, if there is none.
 */
uint64_t frame_find(struct str bytes, uint64_t from);

static inline uint64_t frame_align(uint64_t offset)
{
    return (offset + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
}

/* Where the next frame begins. */
static inline uint64_t frame_end(const struct frame *frame)
{
    return frame_align(frame->offset + FRAME_HEADER_SIZE + frame->length);
}

#endif
