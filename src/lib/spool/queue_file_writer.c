/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_writer.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "spool/queue_file_header.h"
#include "spool/write_buffer.h"

#include <fcntl.h>

enum { RECIPIENTS_A_FRAME = 1000 };

struct queue_file_writer {
    int fd;
    struct queue_id id;
    struct seal seal;
    struct seal_stream *digest; /* of the content so far */
    struct write_buffer buffer;
    char path[SPOOL_PATH_SIZE];
};

static bool put(struct queue_file_writer *writer, struct str bytes, struct failure *why)
{
    return write_buffer_put(&writer->buffer, writer->fd, writer->path, bytes, why);
}

static bool put_padding(struct queue_file_writer *writer, struct failure *why)
{
    static const char zeros[FRAME_ALIGNMENT];
    uint64_t at = write_buffer_position(&writer->buffer);

    return put(writer, str_make(zeros, (size_t) (frame_align(at) - at)), why);
}

static bool put_frame(struct queue_file_writer *writer, enum frame_type type, struct str payload, struct failure *why)
{
    unsigned char header[FRAME_HEADER_SIZE];
    struct frame frame = { .type = type,
                           .id = writer->id,
                           .offset = write_buffer_position(&writer->buffer),
                           .length = payload.len,
                           .digest = seal_digest(&writer->seal, payload) };

    frame_encode(&frame, &writer->seal, header);
    return put(writer, str_make((const char *) header, sizeof(header)), why) && put(writer, payload, why) &&
           put_padding(writer, why);
}

static bool put_file_header(struct queue_file_writer *writer, struct failure *why)
{
    struct queue_file_header header = { .id = writer->id, .salt = seal_salt_draw(), .created = clock_now() };
    unsigned char bytes[QUEUE_FILE_CONTENT_AT] = { 0 };

    queue_file_header_encode(&header, bytes);
    seal_init(&writer->seal, &header.salt, SEAL_CONTEXT_FILE);
    writer->digest = seal_stream_create(&writer->seal);
    return put(writer, str_make((const char *) bytes, sizeof(bytes)), why);
}

bool queue_file_create(const char *path, struct queue_id id, struct queue_file_writer **writer_out, struct failure *why)
{
    struct queue_file_writer *writer = memory_alloc(sizeof(*writer));

    writer->fd = -1;
    writer->id = id;
    memcpy(writer->path, path, strnlen(path, sizeof(writer->path) - 1));
    write_buffer_init(&writer->buffer);
    if (!file_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &writer->fd, why) ||
        !lock_try(writer->fd, path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, why) || !put_file_header(writer, why)) {
        queue_file_close(&writer);
        return false;
    }
    *writer_out = writer;
    return true;
}

bool queue_file_write(struct queue_file_writer *writer, struct str content, struct failure *why)
{
    seal_stream_add(writer->digest, content);
    return put(writer, content, why);
}

bool queue_file_read_back(struct queue_file_writer *writer, uint64_t offset, void *bytes, size_t len, size_t *count_out,
                          struct failure *why)
{
    return write_buffer_flush(&writer->buffer, writer->fd, writer->path, why) &&
           file_read_at(writer->fd, writer->path, bytes, len, QUEUE_FILE_CONTENT_AT + offset, count_out, why);
}

static bool put_recipients(struct queue_file_writer *writer, const struct envelope *envelope, struct failure *why)
{
    struct strbuf payload;
    bool is_done = true;

    strbuf_init(&payload, ENVELOPE_MAXIMUM);
    for (size_t from = 0; is_done && from < envelope->recipient_count; from += RECIPIENTS_A_FRAME) {
        strbuf_clear(&payload);
        is_done = envelope_encode_recipients(envelope, from, RECIPIENTS_A_FRAME, &payload, why) &&
                  put_frame(writer, FRAME_RECIPIENTS, strbuf_str(&payload), why);
    }
    strbuf_done(&payload);
    return is_done;
}

static bool put_envelope(struct queue_file_writer *writer, const struct envelope *envelope, struct failure *why)
{
    struct strbuf payload;
    bool is_done;

    strbuf_init(&payload, ENVELOPE_MAXIMUM);
    is_done =
        envelope_encode_head(envelope, &payload, why) && put_frame(writer, FRAME_ENVELOPE, strbuf_str(&payload), why);
    strbuf_done(&payload);
    return is_done && put_recipients(writer, envelope, why) && put_frame(writer, FRAME_END, STR_EMPTY, why);
}

static bool write_content_header(struct queue_file_writer *writer, uint64_t length, struct failure *why)
{
    unsigned char bytes[FRAME_HEADER_SIZE];
    struct frame frame = { .type = FRAME_CONTENT,
                           .id = writer->id,
                           .offset = QUEUE_FILE_HEADER_SIZE,
                           .length = length,
                           .digest = seal_stream_finish(&writer->digest) };

    frame_encode(&frame, &writer->seal, bytes);
    return file_write_at(writer->fd, writer->path, str_make((const char *) bytes, sizeof(bytes)),
                         QUEUE_FILE_HEADER_SIZE, why);
}

bool queue_file_finish(struct queue_file_writer *writer, const struct envelope *envelope, struct instant next_attempt,
                       struct failure *why)
{
    uint64_t length = write_buffer_position(&writer->buffer) - QUEUE_FILE_CONTENT_AT;

    return put_padding(writer, why) && put_envelope(writer, envelope, why) &&
           write_buffer_flush(&writer->buffer, writer->fd, writer->path, why) &&
           write_content_header(writer, length, why) &&
           file_set_time(writer->fd, writer->path, instant_seconds(next_attempt), why);
}

bool queue_file_sync(struct queue_file_writer *writer, struct failure *why)
{
    return file_sync(writer->fd, writer->path, why);
}

bool queue_file_void(struct queue_file_writer *writer, struct failure *why)
{
    return file_truncate(writer->fd, writer->path, 0, why);
}

void queue_file_close(struct queue_file_writer **writer)
{
    if (*writer == NULL)
        return;
    (void) seal_stream_finish(&(*writer)->digest);
    write_buffer_done(&(*writer)->buffer);
    fd_close(&(*writer)->fd);
    memory_free(*writer);
    *writer = NULL;
}
