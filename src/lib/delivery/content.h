/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_CONTENT_H
#define DELIVERY_CONTENT_H

#include "base/failure.h"
#include "base/str.h"

struct deliver_request;
struct loop;

/*
 * content - reads a message's header and body (lines ended by LF) from the front, in pieces, wherever the request
 * says it is: inside the request or in a file.
 *
 * Several readers may stand on one request. Memory is one piece, whatever the message's size.
 */
struct content {
    struct loop *loop;
    const struct deliver_request *request;
    uint64_t place; /* bytes already given */
    char *buffer;   /* of files only */
    struct offload *offload;
};

enum { CONTENT_PIECE_MAX = 64 * 1024 };

void content_open(struct content *content, struct loop *loop, const struct deliver_request *request);
void content_close(struct content *content);
/* From the start again. */
void content_rewind(struct content *content);

/*
 * The next piece; empty at the end. Cut anywhere, also inside a line. It is good until the next call. Waits in
 * the fiber when a file's page must come from the disk.
 */
MUST_USE bool content_next(struct content *content, struct str *piece_out, struct failure *why);

#endif
