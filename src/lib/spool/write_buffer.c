/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/write_buffer.h"

#include "os/file.h"

void write_buffer_init(struct write_buffer *buffer)
{
    strbuf_init(&buffer->bytes, WRITE_BUFFER_SIZE);
    buffer->flushed = 0;
}

void write_buffer_done(struct write_buffer *buffer)
{
    strbuf_done(&buffer->bytes);
}

bool write_buffer_flush(struct write_buffer *buffer, int fd, const char *path, struct failure *why)
{
    if (!file_write_at(fd, path, strbuf_str(&buffer->bytes), buffer->flushed, why))
        return false;
    buffer->flushed += buffer->bytes.len;
    strbuf_clear(&buffer->bytes);
    return true;
}

bool write_buffer_put(struct write_buffer *buffer, int fd, const char *path, struct str bytes, struct failure *why)
{
    while (bytes.len > 0) {
        struct str part = str_part(bytes, 0, WRITE_BUFFER_SIZE - buffer->bytes.len);

        strbuf_append(&buffer->bytes, part);
        bytes = str_from(bytes, part.len);
        if (buffer->bytes.len == WRITE_BUFFER_SIZE && !write_buffer_flush(buffer, fd, path, why))
            return false;
    }
    return true;
}

uint64_t write_buffer_position(const struct write_buffer *buffer)
{
    return buffer->flushed + buffer->bytes.len;
}
