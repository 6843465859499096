/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_QUEUE_FILE_READER_H
#define SPOOL_QUEUE_FILE_READER_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "spool/frame.h"
#include "spool/queue_file_header.h"

/*
 * queue_file_reader - the frames of a queue file, one after the other: what queue_file and queue_file_part read with.
 *
 * Every call blocks. FAILURE_PERMANENT: what stands there is no such frame.
 */
struct queue_file_reader {
    int fd;
    struct queue_file_header header;
    struct seal seal;
    uint64_t size;
    struct strbuf payload;
    struct frame content;
    uint64_t status_end; /* where the next status frame goes */
};

/* Header and content frame are read. The reader's payload is freed with strbuf_done, also after a failure. */
MUST_USE bool queue_file_reader_open(struct queue_file_reader *reader, int fd, struct failure *why);
MUST_USE bool queue_file_reader_bytes(struct queue_file_reader *reader, void *bytes, size_t len, uint64_t offset,
                                      struct failure *why);
MUST_USE bool queue_file_reader_frame(struct queue_file_reader *reader, uint64_t offset, struct frame *frame_out,
                                      struct failure *why);
/* The frame's payload, checked, in reader->payload. */
MUST_USE bool queue_file_reader_payload(struct queue_file_reader *reader, const struct frame *frame,
                                        struct failure *why);
/* Always false. */
bool queue_file_damaged(struct failure *why, const char *what);

#endif
