/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/requeue.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "qmgr/loader.h"
#include "spool/maildrop_file.h"
#include "spool/queue_file.h"

#include <unistd.h>

enum { PIECE = 64 * 1024 };

struct requeue_job {
    char path[SPOOL_PATH_SIZE];
    struct arena *arena;
    bool is_done;
    struct failure why;
};

static bool copy_content(struct requeue_job *job, int fd, const struct queue_file_content *content,
                         struct maildrop_writer *writer)
{
    char *piece = arena_alloc(job->arena, PIECE);

    for (uint64_t at = 0; at < content->length;) {
        uint64_t left = content->length - at;
        size_t count;

        if (!file_read_at(fd, job->path, piece, left < PIECE ? (size_t) left : PIECE, content->offset + at, &count,
                          &job->why))
            return false;
        if (count == 0)
            return failure_set(&job->why, FAILURE_PERMANENT, 0, "%s: cut short", job->path);
        if (!maildrop_write_content(writer, str_make(piece, count), &job->why))
            return false;
        at += count;
    }
    return true;
}

static void describe(const struct envelope *envelope, struct arena *arena, struct maildrop_message *message)
{
    struct strbuf notify;

    *message =
        (struct maildrop_message){ .arrival = envelope->arrival,
                                   .uid = geteuid(),
                                   .sender = envelope->sender,
                                   .dsn_envid = envelope->dsn_envid,
                                   .dsn_return = dsn_return_name(envelope->dsn_return),
                                   .encoding = (envelope->flags & ENVELOPE_BODY_8BIT) != 0 ? STR("8bit") : STR_EMPTY,
                                   .rewrite_context =
                                       envelope->rewrite == ENVELOPE_REWRITE_LOCAL ? STR("local") : STR("remote"),
                                   .wants_smtputf8 = (envelope->flags & ENVELOPE_SMTPUTF8) != 0 };
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];

        if (recipient->status != RECIPIENT_PENDING && recipient->status != RECIPIENT_FAILED)
            continue;
        strlist_add(&message->recipients, arena, recipient->address);
        if (recipient->dsn_notify != 0 && str_is_empty(message->dsn_notify)) {
            strbuf_init(&notify, 100);
            dsn_notify_append(&notify, recipient->dsn_notify);
            message->dsn_notify = arena_str(arena, strbuf_str(&notify));
            strbuf_done(&notify);
        }
    }
}

static bool write_copy(struct requeue_job *job, int fd, const struct envelope *envelope,
                       const struct queue_file_content *content)
{
    struct maildrop_message message;
    struct maildrop_writer *writer;

    describe(envelope, job->arena, &message);
    if (!maildrop_create(&writer, &job->why))
        return false;
    if (!maildrop_write_message(writer, &message, &job->why) || !copy_content(job, fd, content, writer)) {
        maildrop_abandon(&writer);
        return false;
    }
    return maildrop_finish(&writer, &job->why);
}

static void copy_message(void *context)
{
    struct requeue_job *job = context;
    struct queue_file_content content;
    struct envelope envelope;
    int fd;

    if (!queue_file_open(job->path, job->arena, &envelope, &content, &fd, &job->why))
        return;
    job->is_done = write_copy(job, fd, &envelope, &content);
    fd_close(&fd);
}

bool requeue_to_maildrop(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    struct arena *arena = arena_create();
    struct requeue_job *job = arena_new(arena, struct requeue_job);
    bool is_done;

    job->arena = arena;
    loader_file_path(keeper, message, job->path);
    keeper_block(keeper, copy_message, job);
    is_done = job->is_done;
    if (!is_done)
        *why = job->why;
    arena_destroy(&arena);
    return is_done;
}
