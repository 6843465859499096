/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/maildrop_file.h"

#include "base/memory.h"
#include "mail/dsn.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "spool/bytes.h"
#include "spool/seal.h"
#include "spool/write_buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

/*
 * "MPDR", version (4), length of the wishes (8), wishes as fields, content, trailer of 32 bytes: "MPDE", 0 (4), length
 * of the content (8), checksum of wishes and content (8), checksum of the trailer (8).
 */
enum {
    DROP_VERSION = 1,
    HEADER_SIZE = 16,
    AT_VERSION = 4,
    AT_WISHES = 8,
    TRAILER_SIZE = 32,
    AT_LENGTH = 8,
    AT_DIGEST = 16,
    AT_TRAILER_DIGEST = 24,
    PATH_SIZE = 64,
    PIECE_SIZE = 64 * 1024,
    WISHES_MAXIMUM = 32 * 1024 * 1024,
    STRING_MAXIMUM = 64 * 1024,
    NAME_ATTEMPTS = 10,
};

enum {
    TAG_ARRIVAL = 1,
    TAG_SENDER = 2,
    TAG_FULL_NAME = 3,
    TAG_ENVID = 4,
    TAG_RETURN = 5,
    TAG_NOTIFY = 6,
    TAG_ENCODING = 7,
    TAG_REWRITE = 8,
    TAG_EXTRACT = 9,
    TAG_VERIFY = 10,
    TAG_REPORT = 11,
    TAG_SMTPUTF8 = 12,
    TAG_RECIPIENT = 13,
    TAG_UID = 14,
    TAG_ORIGINAL_ID = 15,
    TAG_ATTRIBUTE = 16,
    TAG_RECIPIENT_WISHES = 17,
    TAG_VERP = 18,
};

/*
 * The file belongs to the user, and pickup, who is somebody else, must read it. That nobody else does is the folder's
 * work: it cannot be searched or listed.
 */
enum { DROP_MODE = 0744 };

static const char magic[4] = { 'M', 'P', 'D', 'R' };
static const char end_magic[4] = { 'M', 'P', 'D', 'E' };

struct string_row {
    unsigned tag;
    size_t offset;
};

static const struct string_row strings[] = {
    { TAG_SENDER, offsetof(struct maildrop_message, sender) },
    { TAG_FULL_NAME, offsetof(struct maildrop_message, full_name) },
    { TAG_ENVID, offsetof(struct maildrop_message, dsn_envid) },
    { TAG_RETURN, offsetof(struct maildrop_message, dsn_return) },
    { TAG_NOTIFY, offsetof(struct maildrop_message, dsn_notify) },
    { TAG_VERP, offsetof(struct maildrop_message, verp_delimiters) },
    { TAG_ENCODING, offsetof(struct maildrop_message, encoding) },
    { TAG_REWRITE, offsetof(struct maildrop_message, rewrite_context) },
    { TAG_ORIGINAL_ID, offsetof(struct maildrop_message, original_id) },
};

static const struct string_row flags[] = {
    { TAG_EXTRACT, offsetof(struct maildrop_message, wants_extraction) },
    { TAG_VERIFY, offsetof(struct maildrop_message, wants_verify_report) },
    { TAG_REPORT, offsetof(struct maildrop_message, wants_delivery_report) },
    { TAG_SMTPUTF8, offsetof(struct maildrop_message, wants_smtputf8) },
};

struct maildrop_writer {
    int fd;
    char path[PATH_SIZE];
    struct write_buffer buffer;
    struct seal_stream *digest; /* of wishes and content */
    uint64_t content_length;
    bool has_message;
};

/* Unsalted: against rot only. */
static void plain_seal(struct seal *seal)
{
    static const struct seal_salt zero;

    seal_init(seal, &zero, SEAL_CONTEXT_FILE);
}

/* ---- one recipient ---- */

enum {
    WISH_ORIGINAL = 1,
    WISH_ORCPT = 2,
    WISH_NOTIFY = 3,
    NOTIFY_BITS = DSN_NOTIFY_NEVER | DSN_NOTIFY_SUCCESS | DSN_NOTIFY_FAILURE | DSN_NOTIFY_DELAY,
};

void maildrop_add_recipient(struct maildrop_message *message, struct arena *arena,
                            const struct maildrop_recipient *recipient)
{
    struct strbuf wishes;

    strbuf_init(&wishes, STRBUF_UNLIMITED);
    if (!str_is_empty(recipient->original))
        bytes_append_field(&wishes, WISH_ORIGINAL, recipient->original);
    if (!str_is_empty(recipient->dsn_orcpt))
        bytes_append_field(&wishes, WISH_ORCPT, recipient->dsn_orcpt);
    if (recipient->dsn_notify != 0)
        bytes_append_number(&wishes, WISH_NOTIFY, recipient->dsn_notify);
    strlist_add(&message->recipients, arena, recipient->address);
    strlist_add(&message->recipient_wishes, arena, strbuf_str(&wishes));
    strbuf_done(&wishes);
}

struct maildrop_recipient maildrop_recipient(const struct maildrop_message *message, size_t i)
{
    struct maildrop_recipient recipient = { .address = message->recipients.items[i] };
    struct cursor cursor = cursor_over(STR_EMPTY);
    struct str value;
    uint64_t number;
    unsigned tag;

    if (i < message->recipient_wishes.count)
        cursor = cursor_over(message->recipient_wishes.items[i]);
    while (!cursor_at_end(&cursor) && bytes_take_field(&cursor, &tag, &value)) {
        if (tag == WISH_ORIGINAL)
            recipient.original = value;
        else if (tag == WISH_ORCPT)
            recipient.dsn_orcpt = value;
        else if (tag == WISH_NOTIFY && bytes_number(value, &number))
            recipient.dsn_notify = (unsigned) number & NOTIFY_BITS;
    }
    return recipient;
}

/* ---- writing ---- */

static bool put(struct maildrop_writer *writer, struct str bytes, struct failure *why)
{
    return write_buffer_put(&writer->buffer, writer->fd, writer->path, bytes, why);
}

static bool create_file(struct maildrop_writer *writer, struct failure *why)
{
    struct failure reason;

    for (unsigned attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        snprintf(writer->path, sizeof(writer->path), "maildrop/%016llX", (unsigned long long) random_uint64());
        if (file_open(writer->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &writer->fd, &reason))
            return file_set_mode(writer->fd, writer->path, 0600, why);
        if (reason.error != EEXIST)
            break;
    }
    writer->path[0] = '\0';
    *why = reason;
    return false;
}

bool maildrop_create(struct maildrop_writer **writer_out, struct failure *why)
{
    struct maildrop_writer *writer = memory_alloc(sizeof(*writer));
    struct seal seal;

    writer->fd = -1;
    write_buffer_init(&writer->buffer);
    plain_seal(&seal);
    writer->digest = seal_stream_create(&seal);
    if (!create_file(writer, why)) {
        maildrop_abandon(&writer);
        return false;
    }
    *writer_out = writer;
    return true;
}

static void encode_wishes(const struct maildrop_message *message, struct strbuf *out)
{
    bytes_append_number(out, TAG_ARRIVAL, (uint64_t) message->arrival.us);
    bytes_append_number(out, TAG_UID, message->uid);
    for (size_t i = 0; i < ARRAY_COUNT(strings); i++) {
        const struct str *text = (const void *) ((const char *) message + strings[i].offset);

        if (text->len > 0 || strings[i].tag == TAG_SENDER)
            bytes_append_field(out, strings[i].tag, *text);
    }
    for (size_t i = 0; i < ARRAY_COUNT(flags); i++) {
        const bool *flag = (const void *) ((const char *) message + flags[i].offset);

        if (*flag)
            bytes_append_number(out, flags[i].tag, 1);
    }
    for (size_t i = 0; i < message->attributes.count; i++)
        bytes_append_field(out, TAG_ATTRIBUTE, message->attributes.items[i]);
    for (size_t i = 0; i < message->recipients.count; i++)
        bytes_append_field(out, TAG_RECIPIENT, message->recipients.items[i]);
    for (size_t i = 0; i < message->recipient_wishes.count; i++)
        bytes_append_field(out, TAG_RECIPIENT_WISHES, message->recipient_wishes.items[i]);
}

bool maildrop_write_message(struct maildrop_writer *writer, const struct maildrop_message *message, struct failure *why)
{
    unsigned char header[HEADER_SIZE] = { 0 };
    struct strbuf wishes;
    bool is_done = false;

    strbuf_init(&wishes, WISHES_MAXIMUM);
    encode_wishes(message, &wishes);
    memcpy(header, magic, sizeof(magic));
    bytes_put_u32(header + AT_VERSION, DROP_VERSION);
    bytes_put_u64(header + AT_WISHES, wishes.len);
    if (wishes.is_overflowed)
        (void) failure_set(why, FAILURE_PERMANENT, 0, "too many recipients");
    else
        is_done =
            put(writer, str_make((const char *) header, sizeof(header)), why) && put(writer, strbuf_str(&wishes), why);
    seal_stream_add(writer->digest, strbuf_str(&wishes));
    writer->has_message = is_done;
    strbuf_done(&wishes);
    return is_done;
}

bool maildrop_write_content(struct maildrop_writer *writer, struct str content, struct failure *why)
{
    seal_stream_add(writer->digest, content);
    writer->content_length += content.len;
    return put(writer, content, why);
}

static bool put_trailer(struct maildrop_writer *writer, struct failure *why)
{
    unsigned char trailer[TRAILER_SIZE] = { 0 };

    memcpy(trailer, end_magic, sizeof(end_magic));
    bytes_put_u64(trailer + AT_LENGTH, writer->content_length);
    bytes_put_u64(trailer + AT_DIGEST, seal_stream_finish(&writer->digest));
    bytes_put_u64(trailer + AT_TRAILER_DIGEST, seal_header_digest(str_make((const char *) trailer, AT_TRAILER_DIGEST)));
    return put(writer, str_make((const char *) trailer, sizeof(trailer)), why) &&
           write_buffer_flush(&writer->buffer, writer->fd, writer->path, why);
}

static void destroy(struct maildrop_writer **writer)
{
    (void) seal_stream_finish(&(*writer)->digest);
    write_buffer_done(&(*writer)->buffer);
    fd_close(&(*writer)->fd);
    memory_free(*writer);
    *writer = NULL;
}

/*
 * The folder of a set-gid submitter may be closed to reading, so that it cannot be opened to be synced: the file's
 * own fsync then is what there is; ext4, xfs and btrfs make a new file's name durable with it.
 */
static bool sync_folder(struct failure *why)
{
    struct failure reason;

    if (file_sync_directory("maildrop", &reason) || reason.error == EACCES)
        return true;
    *why = reason;
    return false;
}

/* One sync for content and mode: a power cut that keeps the mode alone leaves a file whose end record does not check.
 */
bool maildrop_finish(struct maildrop_writer **writer, struct failure *why)
{
    struct maildrop_writer *w = *writer;

    if (!w->has_message)
        (void) failure_set(why, FAILURE_PERMANENT, 0, "nothing was written");
    else if (put_trailer(w, why) && file_set_mode(w->fd, w->path, DROP_MODE, why) && file_sync(w->fd, w->path, why) &&
             sync_folder(why)) {
        destroy(writer);
        return true;
    }
    maildrop_abandon(writer);
    return false;
}

void maildrop_abandon(struct maildrop_writer **writer)
{
    struct failure ignored;

    if (*writer == NULL)
        return;
    if ((*writer)->path[0] != '\0')
        (void) !file_unlink((*writer)->path, &ignored);
    destroy(writer);
}

const char *maildrop_writer_path(const struct maildrop_writer *writer)
{
    return writer->path;
}

/* ---- reading ---- */

struct drop {
    int fd;
    const char *path;
    uint64_t size;
    uint64_t wishes_length;
    uint64_t content_length;
    uint64_t digest;
};

static bool damaged(const struct drop *drop, struct failure *why, const char *what)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "%s: %s", drop->path, what);
}

static bool read_bytes(const struct drop *drop, void *bytes, size_t len, uint64_t offset, struct failure *why)
{
    size_t count;

    if (!file_read_at(drop->fd, drop->path, bytes, len, offset, &count, why))
        return false;
    return count == len || damaged(drop, why, "cut short");
}

static bool read_frame(struct drop *drop, struct failure *why)
{
    unsigned char header[HEADER_SIZE];
    unsigned char trailer[TRAILER_SIZE];

    if (drop->size < HEADER_SIZE + TRAILER_SIZE)
        return damaged(drop, why, "too short");
    if (!read_bytes(drop, header, sizeof(header), 0, why) ||
        !read_bytes(drop, trailer, sizeof(trailer), drop->size - TRAILER_SIZE, why))
        return false;
    if (memcmp(header, magic, sizeof(magic)) != 0 || bytes_get_u32(header + AT_VERSION) != DROP_VERSION)
        return damaged(drop, why, "not a submitted message");
    if (memcmp(trailer, end_magic, sizeof(end_magic)) != 0 ||
        bytes_get_u64(trailer + AT_TRAILER_DIGEST) !=
            seal_header_digest(str_make((const char *) trailer, AT_TRAILER_DIGEST)))
        return damaged(drop, why, "no end record");
    drop->wishes_length = bytes_get_u64(header + AT_WISHES);
    drop->content_length = bytes_get_u64(trailer + AT_LENGTH);
    drop->digest = bytes_get_u64(trailer + AT_DIGEST);
    if (drop->wishes_length > WISHES_MAXIMUM || drop->wishes_length > drop->size - HEADER_SIZE - TRAILER_SIZE ||
        drop->content_length != drop->size - HEADER_SIZE - TRAILER_SIZE - drop->wishes_length)
        return damaged(drop, why, "lengths do not fit");
    return true;
}

static bool check_digest(const struct drop *drop, struct failure *why)
{
    uint64_t end = drop->size - TRAILER_SIZE;
    char *piece = memory_alloc(PIECE_SIZE);
    struct seal_stream *digest;
    struct seal seal;
    bool is_read = true;

    plain_seal(&seal);
    digest = seal_stream_create(&seal);
    for (uint64_t at = HEADER_SIZE; is_read && at < end; at += PIECE_SIZE) {
        size_t len = end - at < PIECE_SIZE ? (size_t) (end - at) : PIECE_SIZE;

        is_read = read_bytes(drop, piece, len, at, why);
        if (is_read)
            seal_stream_add(digest, str_make(piece, len));
    }
    memory_free(piece);
    if (seal_stream_finish(&digest) != drop->digest && is_read)
        return damaged(drop, why, "bad checksum");
    return is_read;
}

static void take_string(unsigned tag, struct str value, struct arena *arena, struct maildrop_message *message)
{
    for (size_t i = 0; i < ARRAY_COUNT(strings); i++) {
        if (strings[i].tag == tag)
            *(struct str *) (void *) ((char *) message + strings[i].offset) = arena_str(arena, value);
    }
    for (size_t i = 0; i < ARRAY_COUNT(flags); i++) {
        if (flags[i].tag == tag)
            *(bool *) (void *) ((char *) message + flags[i].offset) = true;
    }
}

static struct strlist *list_of(struct maildrop_message *message, unsigned tag)
{
    switch (tag) {
    case TAG_RECIPIENT:
        return &message->recipients;
    case TAG_RECIPIENT_WISHES:
        return &message->recipient_wishes;
    case TAG_ATTRIBUTE:
        return &message->attributes;
    default:
        return NULL;
    }
}

static bool decode_wishes(struct str bytes, struct arena *arena, struct maildrop_message *message)
{
    struct cursor cursor = cursor_over(bytes);

    while (!cursor_at_end(&cursor)) {
        struct str value;
        uint64_t number;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value) || value.len > STRING_MAXIMUM)
            return false;
        if (list_of(message, tag) != NULL)
            strlist_add(list_of(message, tag), arena, value);
        else if (tag != TAG_ARRIVAL && tag != TAG_UID)
            take_string(tag, value, arena, message);
        else if (!bytes_number(value, &number) || number > INT64_MAX)
            return false;
        else if (tag == TAG_ARRIVAL)
            message->original_arrival = (struct instant){ (int64_t) number };
    }
    return message->recipient_wishes.count == 0 || message->recipient_wishes.count == message->recipients.count;
}

static bool read_wishes(const struct drop *drop, struct arena *arena, struct maildrop_message *message,
                        struct failure *why)
{
    char *bytes = memory_alloc((size_t) drop->wishes_length + 1);
    bool is_good = read_bytes(drop, bytes, (size_t) drop->wishes_length, HEADER_SIZE, why);

    if (is_good && !decode_wishes(str_make(bytes, (size_t) drop->wishes_length), arena, message))
        is_good = damaged(drop, why, "malformed");
    memory_free(bytes);
    return is_good;
}

bool maildrop_open(const char *path, struct arena *arena, struct maildrop_message *message_out, int *fd_out,
                   uint64_t *content_offset_out, uint64_t *content_length_out, struct failure *why)
{
    struct maildrop_message message = { 0 };
    struct drop drop = { .fd = -1, .path = path };
    struct stat status;
    bool is_good;

    /* A user could have put anything there: no links, no devices, no waiting on a fifo. */
    if (!file_open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &drop.fd, why))
        return false;
    is_good = file_stat_fd(drop.fd, path, &status, why);
    if (is_good && (!S_ISREG(status.st_mode) || (status.st_mode & S_IXUSR) == 0 || status.st_nlink != 1))
        is_good = damaged(&drop, why, "not a complete submission");
    drop.size = is_good ? (uint64_t) status.st_size : 0;
    is_good = is_good && read_frame(&drop, why) && check_digest(&drop, why) && read_wishes(&drop, arena, &message, why);
    if (is_good) {
        message.uid = status.st_uid;
        message.arrival = (struct instant){ status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000 };
        *message_out = message;
        *content_offset_out = HEADER_SIZE + drop.wishes_length;
        *content_length_out = drop.content_length;
        *fd_out = fd_take(&drop.fd);
    }
    fd_close(&drop.fd);
    return is_good;
}
