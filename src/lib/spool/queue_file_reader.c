/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_reader.h"

#include "os/file.h"
#include "spool/envelope.h"
#include "spool/queue_file.h"

bool queue_file_damaged(struct failure *why, const char *what)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "queue file: %s", what);
}

/* A read that ends early means that the file is shorter than it says. */
bool queue_file_reader_bytes(struct queue_file_reader *reader, void *bytes, size_t len, uint64_t offset,
                             struct failure *why)
{
    size_t count;

    if (!file_read_at(reader->fd, "queue file", bytes, len, offset, &count, why))
        return false;
    return count == len || queue_file_damaged(why, "cut short");
}

bool queue_file_reader_frame(struct queue_file_reader *reader, uint64_t offset, struct frame *frame_out,
                             struct failure *why)
{
    char bytes[FRAME_HEADER_SIZE];

    if (!queue_file_reader_bytes(reader, bytes, sizeof(bytes), offset, why))
        return false;
    if (!frame_decode(str_make(bytes, sizeof(bytes)), offset, &reader->seal, frame_out) ||
        frame_out->id.value != reader->header.id.value || frame_out->length > reader->size - offset - FRAME_HEADER_SIZE)
        return queue_file_damaged(why, "bad frame");
    return true;
}

bool queue_file_reader_payload(struct queue_file_reader *reader, const struct frame *frame, struct failure *why)
{
    char *room;

    strbuf_clear(&reader->payload);
    room = strbuf_reserve(&reader->payload, (size_t) frame->length);
    if (room == NULL)
        return queue_file_damaged(why, "frame is too large");
    if (!queue_file_reader_bytes(reader, room, (size_t) frame->length, frame->offset + FRAME_HEADER_SIZE, why))
        return false;
    strbuf_extend(&reader->payload, (size_t) frame->length);
    if (seal_digest(&reader->seal, strbuf_str(&reader->payload)) != frame->digest)
        return queue_file_damaged(why, "bad checksum");
    return true;
}

bool queue_file_reader_open(struct queue_file_reader *reader, int fd, struct failure *why)
{
    char bytes[QUEUE_FILE_HEADER_SIZE];
    struct stat status;

    *reader = (struct queue_file_reader){ .fd = fd };
    strbuf_init(&reader->payload, ENVELOPE_MAXIMUM);
    if (!file_stat_fd(fd, "queue file", &status, why))
        return false;
    reader->size = (uint64_t) status.st_size;
    if (reader->size < QUEUE_FILE_CONTENT_AT)
        return queue_file_damaged(why, "too short");
    if (!queue_file_reader_bytes(reader, bytes, sizeof(bytes), 0, why))
        return false;
    if (!queue_file_header_decode(str_make(bytes, sizeof(bytes)), &reader->header))
        return queue_file_damaged(why, "bad header");
    seal_init(&reader->seal, &reader->header.salt, SEAL_CONTEXT_FILE);
    if (!queue_file_reader_frame(reader, QUEUE_FILE_HEADER_SIZE, &reader->content, why))
        return false;
    return reader->content.type == FRAME_CONTENT || queue_file_damaged(why, "no content");
}
