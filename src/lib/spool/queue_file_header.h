/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_QUEUE_FILE_HEADER_H
#define SPOOL_QUEUE_FILE_HEADER_H

#include "spool/frame.h"

/*
 * queue_file_header - the first bytes of a queue file: whose file it is, and the salt that its checksums are made with.
 * The content's frame follows at once, so content always begins at QUEUE_FILE_CONTENT_AT.
 */
enum {
    QUEUE_FILE_HEADER_SIZE = 64,
    QUEUE_FILE_CONTENT_AT = QUEUE_FILE_HEADER_SIZE + FRAME_HEADER_SIZE,
};

struct queue_file_header {
    struct queue_id id;
    struct seal_salt salt;
    struct instant created;
};

void queue_file_header_encode(const struct queue_file_header *header, unsigned char bytes[QUEUE_FILE_HEADER_SIZE]);
/* False when a byte of it is not as it was written, or the version is not ours. */
MUST_USE bool queue_file_header_decode(struct str bytes, struct queue_file_header *header_out);

#endif
