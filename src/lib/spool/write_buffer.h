/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_WRITE_BUFFER_H
#define SPOOL_WRITE_BUFFER_H

#include "base/failure.h"
#include "base/strbuf.h"

/*
 * write_buffer - the growing end of a file: small pieces are gathered and written together, each write at its own
 * offset. The descriptor and the path, which is only named in failures, are the caller's.
 */
enum { WRITE_BUFFER_SIZE = 64 * 1024 };

struct write_buffer {
    struct strbuf bytes;
    uint64_t flushed; /* bytes that are in the file */
};

void write_buffer_init(struct write_buffer *buffer);
/* What was not flushed is lost. */
void write_buffer_done(struct write_buffer *buffer);
MUST_USE bool write_buffer_put(struct write_buffer *buffer, int fd, const char *path, struct str bytes,
                               struct failure *why);
MUST_USE bool write_buffer_flush(struct write_buffer *buffer, int fd, const char *path, struct failure *why);
/* Where the next byte goes in the file. */
uint64_t write_buffer_position(const struct write_buffer *buffer);

#endif
