/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/maildrop_copy.h"

#include "os/fd.h"
#include "os/file.h"
#include "spool/envelope_attributes.h"
#include "spool/queue_file.h"

#include <unistd.h>

enum { PIECE = 64 * 1024 };

struct copying {
    const char *path;
    struct arena *arena;
    struct failure *why;
};

static bool copy_content(const struct copying *copying, int fd, const struct queue_file_content *content,
                         struct maildrop_writer *writer)
{
    char *piece = arena_alloc(copying->arena, PIECE);

    for (uint64_t at = 0; at < content->length;) {
        uint64_t left = content->length - at;
        size_t count;

        if (!file_read_at(fd, copying->path, piece, left < PIECE ? (size_t) left : PIECE, content->offset + at, &count,
                          copying->why))
            return false;
        if (count == 0)
            return failure_set(copying->why, FAILURE_PERMANENT, 0, "%s: cut short", copying->path);
        if (!maildrop_write_content(writer, str_make(piece, count), copying->why))
            return false;
        at += count;
    }
    return true;
}

static void add_recipients(const struct envelope *envelope, struct arena *arena, struct maildrop_message *message)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];
        const struct maildrop_recipient copy = { .address = recipient->address,
                                                 .original = recipient->original,
                                                 .dsn_orcpt = recipient->dsn_original,
                                                 .dsn_notify = recipient->dsn_notify };

        if (recipient->status == RECIPIENT_PENDING || recipient->status == RECIPIENT_FAILED)
            maildrop_add_recipient(message, arena, &copy);
    }
}

void maildrop_describe(const struct envelope *envelope, struct arena *arena, struct maildrop_message *message_out)
{
    char id[QUEUE_ID_TEXT_SIZE];

    *message_out =
        (struct maildrop_message){ .arrival = envelope->arrival,
                                   .uid = geteuid(),
                                   .sender = envelope->sender,
                                   .dsn_envid = envelope->dsn_envid,
                                   .dsn_return = dsn_return_name(envelope->dsn_return),
                                   .encoding = (envelope->flags & ENVELOPE_BODY_8BIT) != 0 ? STR("8bit") : STR_EMPTY,
                                   .rewrite_context =
                                       envelope->rewrite == ENVELOPE_REWRITE_LOCAL ? STR("local") : STR("remote"),
                                   .wants_smtputf8 = (envelope->flags & ENVELOPE_SMTPUTF8) != 0,
                                   .wants_verify_report = (envelope->flags & ENVELOPE_TRACE_VERIFY) != 0,
                                   .wants_delivery_report = (envelope->flags & ENVELOPE_TRACE_RECORD) != 0,
                                   .original_id = arena_str(arena, queue_id_format(envelope->id, id)),
                                   .attributes = envelope_attribute_list(envelope, arena) };
    if ((envelope->flags & ENVELOPE_FIRST_TOLD) == 0)
        envelope_add_expansions(envelope, arena, &message_out->attributes);
    add_recipients(envelope, arena, message_out);
}

static bool write_copy(const struct copying *copying, int fd, const struct envelope *envelope,
                       const struct queue_file_content *content)
{
    struct maildrop_message message;
    struct maildrop_writer *writer;

    maildrop_describe(envelope, copying->arena, &message);
    if (!maildrop_create(&writer, copying->why))
        return false;
    if (!maildrop_write_message(writer, &message, copying->why) || !copy_content(copying, fd, content, writer)) {
        maildrop_abandon(&writer);
        return false;
    }
    return maildrop_finish(&writer, copying->why);
}

bool maildrop_copy_message(const char *path, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(fd_close) int fd = -1;
    const struct copying copying = { path, arena, why };
    struct queue_file_content content;
    struct envelope envelope;

    return queue_file_open(path, arena, &envelope, &content, &fd, why) && write_copy(&copying, fd, &envelope, &content);
}
