/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "spool/queue_file_reader.h"

#include <fcntl.h>

enum { PIECE_SIZE = 64 * 1024, STATUS_MAXIMUM = 64 * 1024 * 1024 };

/* ---- reading ---- */

bool queue_file_is_being_written(int fd)
{
    return lock_holder(fd) >= 0;
}

bool queue_file_was_never_whole(int fd)
{
    char header[FRAME_HEADER_SIZE] = { 0 };
    struct failure ignored;
    size_t count = 0;

    if (!file_read_at(fd, "queue file", header, sizeof(header), QUEUE_FILE_HEADER_SIZE, &count, &ignored))
        return false;
    return str_count_char(str_make(header, count), '\0') == count;
}

/* From the envelope to the end frame. */
static bool read_message(struct queue_file_reader *reader, size_t most, struct arena *arena, struct envelope *envelope,
                         bool *is_larger_out, struct failure *why)
{
    uint64_t offset = frame_end(&reader->content);
    struct frame frame;

    if (!queue_file_reader_frame(reader, offset, &frame, why))
        return false;
    if (frame.type != FRAME_ENVELOPE)
        return queue_file_damaged(why, "no envelope");
    if (!queue_file_reader_payload(reader, &frame, why) ||
        !envelope_decode(strbuf_str(&reader->payload), arena, envelope, why))
        return false;
    for (;;) {
        offset = frame_end(&frame);
        if (!queue_file_reader_frame(reader, offset, &frame, why))
            return false;
        if (frame.type == FRAME_END)
            break;
        if (frame.type != FRAME_RECIPIENTS)
            return queue_file_damaged(why, "frames out of order");
        if (!queue_file_reader_payload(reader, &frame, why) ||
            !envelope_decode_recipients(strbuf_str(&reader->payload), arena, envelope, why))
            return false;
        *is_larger_out = envelope->recipient_count > most;
        if (*is_larger_out)
            return true;
    }
    reader->status_end = frame_end(&frame);
    return envelope->id.value == reader->header.id.value || queue_file_damaged(why, "envelope of another message");
}

/* Whatever does not check ends the row: it is a torn append, and the next one goes there. */
static bool read_statuses(struct queue_file_reader *reader, struct arena *arena, struct envelope *envelope,
                          struct failure *why)
{
    struct frame frame;

    while (reader->status_end + FRAME_HEADER_SIZE <= reader->size) {
        if (!queue_file_reader_frame(reader, reader->status_end, &frame, why) ||
            (frame.type == FRAME_STATUS && !queue_file_reader_payload(reader, &frame, why)))
            return why->kind == FAILURE_PERMANENT;
        if (frame.type != FRAME_STATUS)
            return true;
        if (envelope != NULL && !queue_file_status_apply(strbuf_str(&reader->payload), arena, envelope))
            return queue_file_damaged(why, "bad status");
        reader->status_end = frame_end(&frame);
    }
    return true;
}

bool queue_file_read_small(int fd, size_t most, struct arena *arena, struct envelope *envelope_out,
                           struct queue_file_content *content_out, bool *is_larger_out, struct failure *why)
{
    struct envelope envelope;
    struct queue_file_reader reader;
    bool is_larger = false;
    bool is_read = queue_file_reader_open(&reader, fd, why) &&
                   read_message(&reader, most, arena, &envelope, &is_larger, why) &&
                   (is_larger || read_statuses(&reader, arena, &envelope, why));

    if (is_read) {
        *envelope_out = envelope;
        *content_out = (struct queue_file_content){ QUEUE_FILE_CONTENT_AT, reader.content.length };
        *is_larger_out = is_larger;
    }
    strbuf_done(&reader.payload);
    return is_read;
}

bool queue_file_read(int fd, struct arena *arena, struct envelope *envelope_out, struct queue_file_content *content_out,
                     struct failure *why)
{
    bool is_larger;

    return queue_file_read_small(fd, SIZE_MAX, arena, envelope_out, content_out, &is_larger, why);
}

bool queue_file_open(const char *path, struct arena *arena, struct envelope *envelope_out,
                     struct queue_file_content *content_out, int *fd_out, struct failure *why)
{
    bool is_read;
    int fd;

    if (!file_open(path, O_RDONLY | O_NOFOLLOW, 0, &fd, why))
        return false;
    is_read = queue_file_read(fd, arena, envelope_out, content_out, why);
    if (!is_read)
        (void) failure_prefix(why, "%s", path);
    if (is_read && fd_out != NULL)
        *fd_out = fd_take(&fd);
    fd_close(&fd);
    return is_read;
}

bool queue_file_find_content(int fd, struct queue_file_content *content_out, struct failure *why)
{
    struct queue_file_reader reader;
    bool is_found = queue_file_reader_open(&reader, fd, why);

    if (is_found)
        *content_out = (struct queue_file_content){ QUEUE_FILE_CONTENT_AT, reader.content.length };
    strbuf_done(&reader.payload);
    return is_found;
}

static bool compare_content(struct queue_file_reader *reader, struct failure *why)
{
    struct seal_stream *digest = seal_stream_create(&reader->seal);
    char *piece = memory_alloc(PIECE_SIZE);
    bool is_read = true;

    for (uint64_t at = 0; is_read && at < reader->content.length; at += PIECE_SIZE) {
        uint64_t left = reader->content.length - at;
        size_t len = left < PIECE_SIZE ? (size_t) left : PIECE_SIZE;

        is_read = queue_file_reader_bytes(reader, piece, len, QUEUE_FILE_CONTENT_AT + at, why);
        if (is_read)
            seal_stream_add(digest, str_make(piece, len));
    }
    memory_free(piece);
    if (seal_stream_finish(&digest) != reader->content.digest && is_read)
        return queue_file_damaged(why, "content does not match its checksum");
    return is_read;
}

bool queue_file_verify_content(int fd, const struct queue_file_content *content, struct failure *why)
{
    struct queue_file_reader reader;
    bool is_good =
        queue_file_reader_open(&reader, fd, why) &&
        (content->length == reader.content.length || queue_file_damaged(why, "content has another length")) &&
        compare_content(&reader, why);

    strbuf_done(&reader.payload);
    return is_good;
}

/* ---- appending ---- */

static bool encode_status(struct queue_file_reader *reader, const struct queue_file_outcome *outcomes, size_t count,
                          unsigned add_flags, struct strbuf *out, struct failure *why)
{
    unsigned char header[FRAME_HEADER_SIZE] = { 0 };
    struct frame frame = { .type = FRAME_STATUS, .id = reader->header.id, .offset = reader->status_end };

    strbuf_append_bytes(out, header, sizeof(header));
    queue_file_status_encode(outcomes, count, add_flags, out);
    if (out->is_overflowed)
        return failure_set(why, FAILURE_PERMANENT, 0, "status frame is too large");
    frame.length = out->len - FRAME_HEADER_SIZE;
    frame.digest = seal_digest(&reader->seal, str_from(strbuf_str(out), FRAME_HEADER_SIZE));
    frame_encode(&frame, &reader->seal, header);
    memcpy(out->data, header, sizeof(header));
    return true;
}

/* Finds the end of the statuses without decoding recipients. */
static bool find_status_end(struct queue_file_reader *reader, struct failure *why)
{
    struct frame frame = reader->content;

    do {
        if (!queue_file_reader_frame(reader, frame_end(&frame), &frame, why))
            return false;
    } while (frame.type == FRAME_ENVELOPE || frame.type == FRAME_RECIPIENTS);
    if (frame.type != FRAME_END)
        return queue_file_damaged(why, "frames out of order");
    reader->status_end = frame_end(&frame);
    return read_statuses(reader, NULL, NULL, why);
}

/*
 * Behind a torn status a later one may stand that came through. It must not count again, behind what is now written in
 * the torn one's place.
 */
static bool cut_torn(const struct queue_file_reader *reader, int fd, const char *path, struct failure *why)
{
    return reader->size <= reader->status_end || file_truncate(fd, path, reader->status_end, why);
}

static bool append_status(int fd, const char *path, const struct queue_file_outcome *outcomes, size_t count,
                          unsigned add_flags, uint64_t *end, struct failure *why)
{
    struct strbuf bytes;
    struct queue_file_reader reader;
    bool is_done;

    strbuf_init(&bytes, STATUS_MAXIMUM);
    is_done = queue_file_reader_open(&reader, fd, why);
    reader.status_end = *end;
    is_done = is_done && (*end != 0 || find_status_end(&reader, why)) &&
              encode_status(&reader, outcomes, count, add_flags, &bytes, why) && cut_torn(&reader, fd, path, why) &&
              file_write_at(fd, path, strbuf_str(&bytes), reader.status_end, why);
    if (is_done)
        *end = frame_align(reader.status_end + bytes.len);
    strbuf_done(&bytes);
    strbuf_done(&reader.payload);
    return is_done;
}

bool queue_file_append_more(const char *path, const struct queue_file_outcome *outcomes, size_t count, uint64_t *end,
                            struct failure *why)
{
    bool is_done;
    int fd;

    if (!file_open(path, O_RDWR | O_NOFOLLOW, 0, &fd, why))
        return false;
    is_done = append_status(fd, path, outcomes, count, 0, end, why);
    fd_close(&fd);
    return is_done;
}

bool queue_file_append(const char *path, const struct queue_file_outcome *outcomes, size_t count, unsigned add_flags,
                       struct instant next_attempt, bool is_durable, struct failure *why)
{
    bool is_done = true;
    uint64_t end = 0;
    int fd;

    if (!file_open(path, O_RDWR | O_NOFOLLOW, 0, &fd, why))
        return false;
    if (count > 0 || add_flags != 0)
        is_done = append_status(fd, path, outcomes, count, add_flags, &end, why);
    is_done = is_done && file_set_time(fd, path, instant_seconds(next_attempt), why) &&
              (!is_durable || file_sync(fd, path, why));
    fd_close(&fd);
    return is_done;
}
