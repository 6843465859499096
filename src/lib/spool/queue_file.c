/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "spool/bytes.h"
#include "spool/frame.h"

#include <fcntl.h>
#include <stdlib.h>

enum {
    FILE_VERSION = 1,
    FILE_HEADER_SIZE = 64,
    AT_VERSION = 4,
    AT_ID = 8,
    AT_SALT = 16,
    AT_CREATED = 32,
    AT_DIGEST = 56,
    CONTENT_AT = FILE_HEADER_SIZE + FRAME_HEADER_SIZE,
    BUFFER_SIZE = 64 * 1024,
    RECIPIENTS_A_FRAME = 1000,
    REASON_MAXIMUM = 4096,
    STATUS_VERSION = 1,
    STATUS_MAXIMUM = 64 * 1024 * 1024,
};

/* Fields of a status frame, behind its version byte, and of an outcome inside. */
enum {
    TAG_OUTCOME = 1,
    TAG_ADD_FLAGS = 2,
    TAG_NUMBER = 1,
    TAG_STATUS = 2,
    TAG_DSN = 3,
    TAG_REASON = 4,
};

static const char magic[4] = { 'M', 'P', 'Q', 'F' };

/* ---- file header ---- */

struct file_header {
    struct queue_id id;
    struct seal_salt salt;
    struct instant created;
};

static void encode_file_header(const struct file_header *header, unsigned char bytes[FILE_HEADER_SIZE])
{
    memset(bytes, 0, FILE_HEADER_SIZE);
    memcpy(bytes, magic, sizeof(magic));
    bytes_put_u32(bytes + AT_VERSION, FILE_VERSION);
    bytes_put_u64(bytes + AT_ID, header->id.value);
    memcpy(bytes + AT_SALT, header->salt.bytes, SEAL_SALT_SIZE);
    bytes_put_u64(bytes + AT_CREATED, (uint64_t) header->created.us);
    bytes_put_u64(bytes + AT_DIGEST, seal_header_digest(str_make((const char *) bytes, AT_DIGEST)));
}

static bool decode_file_header(struct str bytes, struct file_header *header_out)
{
    const unsigned char *at = (const unsigned char *) bytes.data;

    if (bytes.len < FILE_HEADER_SIZE || memcmp(at, magic, sizeof(magic)) != 0 ||
        bytes_get_u32(at + AT_VERSION) != FILE_VERSION ||
        bytes_get_u64(at + AT_DIGEST) != seal_header_digest(str_part(bytes, 0, AT_DIGEST)))
        return false;
    header_out->id = (struct queue_id){ bytes_get_u64(at + AT_ID) };
    header_out->created = (struct instant){ (int64_t) bytes_get_u64(at + AT_CREATED) };
    memcpy(header_out->salt.bytes, at + AT_SALT, SEAL_SALT_SIZE);
    return true;
}

/* ---- writing ---- */

struct queue_file_writer {
    int fd;
    struct queue_id id;
    struct seal seal;
    struct seal_stream *digest; /* of the content so far */
    struct strbuf buffer;
    uint64_t flushed; /* bytes that are in the file */
    char path[SPOOL_PATH_SIZE];
};

static bool flush(struct queue_file_writer *writer, struct failure *why)
{
    if (!file_write_at(writer->fd, writer->path, strbuf_str(&writer->buffer), writer->flushed, why))
        return false;
    writer->flushed += writer->buffer.len;
    strbuf_clear(&writer->buffer);
    return true;
}

static bool put(struct queue_file_writer *writer, struct str bytes, struct failure *why)
{
    while (bytes.len > 0) {
        struct str part = str_part(bytes, 0, BUFFER_SIZE - writer->buffer.len);

        strbuf_append(&writer->buffer, part);
        bytes = str_from(bytes, part.len);
        if (writer->buffer.len == BUFFER_SIZE && !flush(writer, why))
            return false;
    }
    return true;
}

static uint64_t position(const struct queue_file_writer *writer)
{
    return writer->flushed + writer->buffer.len;
}

static bool put_padding(struct queue_file_writer *writer, struct failure *why)
{
    static const char zeros[FRAME_ALIGNMENT];
    uint64_t at = position(writer);

    return put(writer, str_make(zeros, (size_t) (frame_align(at) - at)), why);
}

static bool put_frame(struct queue_file_writer *writer, enum frame_type type, struct str payload, struct failure *why)
{
    unsigned char header[FRAME_HEADER_SIZE];
    struct frame frame = { .type = type,
                           .id = writer->id,
                           .offset = position(writer),
                           .length = payload.len,
                           .digest = seal_digest(&writer->seal, payload) };

    frame_encode(&frame, &writer->seal, header);
    return put(writer, str_make((const char *) header, sizeof(header)), why) && put(writer, payload, why) &&
           put_padding(writer, why);
}

static bool put_file_header(struct queue_file_writer *writer, struct failure *why)
{
    struct file_header header = { .id = writer->id, .salt = seal_salt_draw(), .created = clock_now() };
    unsigned char bytes[CONTENT_AT] = { 0 };

    encode_file_header(&header, bytes);
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
    strbuf_init(&writer->buffer, BUFFER_SIZE);
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
                           .offset = FILE_HEADER_SIZE,
                           .length = length,
                           .digest = seal_stream_finish(&writer->digest) };

    frame_encode(&frame, &writer->seal, bytes);
    return file_write_at(writer->fd, writer->path, str_make((const char *) bytes, sizeof(bytes)), FILE_HEADER_SIZE,
                         why);
}

bool queue_file_finish(struct queue_file_writer *writer, const struct envelope *envelope, struct instant next_attempt,
                       struct failure *why)
{
    uint64_t length = position(writer) - CONTENT_AT;

    return put_padding(writer, why) && put_envelope(writer, envelope, why) && flush(writer, why) &&
           write_content_header(writer, length, why) &&
           file_set_time(writer->fd, writer->path, instant_seconds(next_attempt), why);
}

bool queue_file_sync(struct queue_file_writer *writer, struct failure *why)
{
    return file_sync(writer->fd, writer->path, why);
}

void queue_file_close(struct queue_file_writer **writer)
{
    if (*writer == NULL)
        return;
    (void) seal_stream_finish(&(*writer)->digest);
    strbuf_done(&(*writer)->buffer);
    fd_close(&(*writer)->fd);
    memory_free(*writer);
    *writer = NULL;
}

/* ---- reading ---- */

struct reader {
    int fd;
    struct file_header header;
    struct seal seal;
    uint64_t size;
    struct strbuf payload;
    struct frame content;
    uint64_t status_end; /* where the next status frame goes */
};

static bool damaged(struct failure *why, const char *what)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "queue file: %s", what);
}

/* A read that ends early means that the file is shorter than it says. */
static bool read_bytes(struct reader *reader, void *bytes, size_t len, uint64_t offset, struct failure *why)
{
    size_t count;

    if (!file_read_at(reader->fd, "queue file", bytes, len, offset, &count, why))
        return false;
    return count == len || damaged(why, "cut short");
}

static bool read_frame_header(struct reader *reader, uint64_t offset, struct frame *frame_out, struct failure *why)
{
    char bytes[FRAME_HEADER_SIZE];

    if (!read_bytes(reader, bytes, sizeof(bytes), offset, why))
        return false;
    if (!frame_decode(str_make(bytes, sizeof(bytes)), offset, &reader->seal, frame_out) ||
        frame_out->id.value != reader->header.id.value || frame_out->length > reader->size - offset - FRAME_HEADER_SIZE)
        return damaged(why, "bad frame");
    return true;
}

static bool read_payload(struct reader *reader, const struct frame *frame, struct failure *why)
{
    char *room;

    strbuf_clear(&reader->payload);
    room = strbuf_reserve(&reader->payload, (size_t) frame->length);
    if (room == NULL)
        return damaged(why, "frame is too large");
    if (!read_bytes(reader, room, (size_t) frame->length, frame->offset + FRAME_HEADER_SIZE, why))
        return false;
    strbuf_extend(&reader->payload, (size_t) frame->length);
    if (seal_digest(&reader->seal, strbuf_str(&reader->payload)) != frame->digest)
        return damaged(why, "bad checksum");
    return true;
}

static bool open_reader(struct reader *reader, int fd, struct failure *why)
{
    char bytes[FILE_HEADER_SIZE];
    struct stat status;

    *reader = (struct reader){ .fd = fd };
    strbuf_init(&reader->payload, ENVELOPE_MAXIMUM);
    if (!file_stat_fd(fd, "queue file", &status, why))
        return false;
    reader->size = (uint64_t) status.st_size;
    if (reader->size < CONTENT_AT)
        return damaged(why, "too short");
    if (!read_bytes(reader, bytes, sizeof(bytes), 0, why))
        return false;
    if (!decode_file_header(str_make(bytes, sizeof(bytes)), &reader->header))
        return damaged(why, "bad header");
    seal_init(&reader->seal, &reader->header.salt, SEAL_CONTEXT_FILE);
    if (!read_frame_header(reader, FILE_HEADER_SIZE, &reader->content, why))
        return false;
    return reader->content.type == FRAME_CONTENT || damaged(why, "no content");
}

/* From the envelope to the end frame. */
static bool read_message(struct reader *reader, struct arena *arena, struct envelope *envelope, struct failure *why)
{
    uint64_t offset = frame_end(&reader->content);
    struct frame frame;

    if (!read_frame_header(reader, offset, &frame, why))
        return false;
    if (frame.type != FRAME_ENVELOPE)
        return damaged(why, "no envelope");
    if (!read_payload(reader, &frame, why) || !envelope_decode(strbuf_str(&reader->payload), arena, envelope, why))
        return false;
    for (;;) {
        offset = frame_end(&frame);
        if (!read_frame_header(reader, offset, &frame, why))
            return false;
        if (frame.type == FRAME_END)
            break;
        if (frame.type != FRAME_RECIPIENTS)
            return damaged(why, "frames out of order");
        if (!read_payload(reader, &frame, why) ||
            !envelope_decode_recipients(strbuf_str(&reader->payload), arena, envelope, why))
            return false;
    }
    reader->status_end = frame_end(&frame);
    return envelope->id.value == reader->header.id.value || damaged(why, "envelope of another message");
}

static bool take_outcome_number(struct queue_file_outcome *outcome, unsigned tag, uint64_t number)
{
    switch (tag) {
    case TAG_NUMBER:
        outcome->number = (size_t) number;
        return true;
    case TAG_STATUS:
        outcome->status = (enum recipient_status) number;
        return number <= RECIPIENT_RETURNED;
    case TAG_DSN:
        outcome->dsn = (struct dsn_status){ (unsigned char) (number >> 32), (unsigned short) (number >> 16 & 0xffff),
                                            (unsigned short) (number & 0xffff) };
        return number >> 40 == 0;
    default:
        return true;
    }
}

static bool apply_outcome(struct str bytes, struct arena *arena, struct envelope *envelope)
{
    struct queue_file_outcome outcome = { .number = SIZE_MAX };
    struct cursor cursor = cursor_over(bytes);
    struct envelope_recipient *recipient;

    while (!cursor_at_end(&cursor)) {
        struct str value;
        uint64_t number;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value))
            return false;
        if (tag == TAG_REASON)
            outcome.reason = str_part(value, 0, REASON_MAXIMUM);
        else if (!bytes_number(value, &number) || !take_outcome_number(&outcome, tag, number))
            return false;
    }
    if (outcome.number >= envelope->recipient_count)
        return false;
    recipient = &envelope->recipients[outcome.number];
    recipient->status = outcome.status;
    recipient->dsn = outcome.dsn;
    recipient->reason = arena_str(arena, outcome.reason);
    return true;
}

static bool apply_status(struct str payload, struct arena *arena, struct envelope *envelope)
{
    struct cursor cursor = cursor_over(payload);
    char version;

    if (!cursor_take_char(&cursor, &version) || version != STATUS_VERSION)
        return false;
    while (!cursor_at_end(&cursor)) {
        struct str value;
        uint64_t flags;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value))
            return false;
        if (tag == TAG_OUTCOME && !apply_outcome(value, arena, envelope))
            return false;
        if (tag == TAG_ADD_FLAGS && bytes_number(value, &flags))
            envelope->flags |= (unsigned) flags;
    }
    return true;
}

/* Whatever does not check ends the row: it is a torn append, and the next one goes there. */
static bool read_statuses(struct reader *reader, struct arena *arena, struct envelope *envelope, struct failure *why)
{
    struct frame frame;

    while (reader->status_end + FRAME_HEADER_SIZE <= reader->size) {
        if (!read_frame_header(reader, reader->status_end, &frame, why) ||
            (frame.type == FRAME_STATUS && !read_payload(reader, &frame, why)))
            return why->kind == FAILURE_PERMANENT;
        if (frame.type != FRAME_STATUS)
            return true;
        if (envelope != NULL && !apply_status(strbuf_str(&reader->payload), arena, envelope))
            return damaged(why, "bad status");
        reader->status_end = frame_end(&frame);
    }
    return true;
}

bool queue_file_read(int fd, struct arena *arena, struct envelope *envelope_out, struct queue_file_content *content_out,
                     struct failure *why)
{
    struct envelope envelope;
    struct reader reader;
    bool is_read = open_reader(&reader, fd, why) && read_message(&reader, arena, &envelope, why) &&
                   read_statuses(&reader, arena, &envelope, why);

    if (is_read) {
        *envelope_out = envelope;
        *content_out = (struct queue_file_content){ CONTENT_AT, reader.content.length };
    }
    strbuf_done(&reader.payload);
    return is_read;
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
    struct reader reader;
    bool is_found = open_reader(&reader, fd, why);

    if (is_found)
        *content_out = (struct queue_file_content){ CONTENT_AT, reader.content.length };
    strbuf_done(&reader.payload);
    return is_found;
}

static bool compare_content(struct reader *reader, struct failure *why)
{
    struct seal_stream *digest = seal_stream_create(&reader->seal);
    char *piece = memory_alloc(BUFFER_SIZE);
    bool is_read = true;

    for (uint64_t at = 0; is_read && at < reader->content.length; at += BUFFER_SIZE) {
        uint64_t left = reader->content.length - at;
        size_t len = left < BUFFER_SIZE ? (size_t) left : BUFFER_SIZE;

        is_read = read_bytes(reader, piece, len, CONTENT_AT + at, why);
        if (is_read)
            seal_stream_add(digest, str_make(piece, len));
    }
    memory_free(piece);
    if (seal_stream_finish(&digest) != reader->content.digest && is_read)
        return damaged(why, "content does not match its checksum");
    return is_read;
}

bool queue_file_verify_content(int fd, const struct queue_file_content *content, struct failure *why)
{
    struct reader reader;
    bool is_good = open_reader(&reader, fd, why) &&
                   (content->length == reader.content.length || damaged(why, "content has another length")) &&
                   compare_content(&reader, why);

    strbuf_done(&reader.payload);
    return is_good;
}

/* ---- appending ---- */

static void append_outcome(struct strbuf *out, const struct queue_file_outcome *outcome)
{
    struct strbuf fields;
    uint64_t dsn = (uint64_t) outcome->dsn.class << 32 | (uint64_t) outcome->dsn.subject << 16 | outcome->dsn.detail;

    strbuf_init(&fields, REASON_MAXIMUM + 100);
    bytes_append_number(&fields, TAG_NUMBER, outcome->number);
    bytes_append_number(&fields, TAG_STATUS, outcome->status);
    bytes_append_number(&fields, TAG_DSN, dsn);
    bytes_append_field(&fields, TAG_REASON, str_part(outcome->reason, 0, REASON_MAXIMUM));
    bytes_append_field(out, TAG_OUTCOME, strbuf_str(&fields));
    strbuf_done(&fields);
}

static bool encode_status(struct reader *reader, const struct queue_file_outcome *outcomes, size_t count,
                          unsigned add_flags, struct strbuf *out, struct failure *why)
{
    unsigned char header[FRAME_HEADER_SIZE] = { 0 };
    struct frame frame = { .type = FRAME_STATUS, .id = reader->header.id, .offset = reader->status_end };

    strbuf_append_bytes(out, header, sizeof(header));
    strbuf_append_char(out, STATUS_VERSION);
    for (size_t i = 0; i < count; i++)
        append_outcome(out, &outcomes[i]);
    if (add_flags != 0)
        bytes_append_number(out, TAG_ADD_FLAGS, add_flags);
    if (out->is_overflowed)
        return failure_set(why, FAILURE_PERMANENT, 0, "status frame is too large");
    frame.length = out->len - FRAME_HEADER_SIZE;
    frame.digest = seal_digest(&reader->seal, str_from(strbuf_str(out), FRAME_HEADER_SIZE));
    frame_encode(&frame, &reader->seal, header);
    memcpy(out->data, header, sizeof(header));
    return true;
}

/* Finds the end of the statuses without decoding recipients. */
static bool find_status_end(struct reader *reader, struct failure *why)
{
    struct frame frame = reader->content;

    do {
        if (!read_frame_header(reader, frame_end(&frame), &frame, why))
            return false;
    } while (frame.type == FRAME_ENVELOPE || frame.type == FRAME_RECIPIENTS);
    if (frame.type != FRAME_END)
        return damaged(why, "frames out of order");
    reader->status_end = frame_end(&frame);
    return read_statuses(reader, NULL, NULL, why);
}

static bool append_status(int fd, const char *path, const struct queue_file_outcome *outcomes, size_t count,
                          unsigned add_flags, uint64_t *end, struct failure *why)
{
    struct strbuf bytes;
    struct reader reader;
    bool is_done;

    strbuf_init(&bytes, STATUS_MAXIMUM);
    is_done = open_reader(&reader, fd, why);
    reader.status_end = *end;
    is_done = is_done && (*end != 0 || find_status_end(&reader, why)) &&
              encode_status(&reader, outcomes, count, add_flags, &bytes, why) &&
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
