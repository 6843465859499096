/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "os/file.h"
#include "run/offload.h"
#include "spool/journal_private.h"
#include "spool/queue_file_writer.h"

/* Large messages: queue files in incoming/, written on threads while the message arrives. */
enum { PIECE_BYTES = 64 * 1024 };

enum step {
    STEP_CREATE,
    STEP_WRITE,
    STEP_UNNAME,
    STEP_READ,
    STEP_FINISH,
    STEP_ABANDON,
};

struct journal_file {
    struct journal_writer *owner;
    struct queue_id id;
    struct queue_file_writer *writer;
    struct strbuf piece;
    uint64_t size;
    bool is_scratch; /* it has no name any more */
    char path[SPOOL_PATH_SIZE];

    /* The step under way on a thread, and its result. */
    enum step step;
    const struct envelope *envelope;
    struct {
        uint64_t offset;
        char *room;
        size_t most;
        size_t count;
    } reading;
    bool is_done;
    struct failure why;
};

static bool create(struct journal_file *file)
{
    return spool_make_folder(&file->owner->settings.spool, SPOOL_INCOMING, file->id, &file->why) &&
           queue_file_create(file->path, file->id, &file->writer, &file->why);
}

static bool write_piece(struct journal_file *file)
{
    if (file->piece.len > 0 && !queue_file_write(file->writer, strbuf_str(&file->piece), &file->why))
        return false;
    strbuf_clear(&file->piece);
    return true;
}

/*
 * File, then folder: only then can the message be found again. One that is to be held moves first, while it is no
 * message yet, and durably: whatever comes between, it is never a message that nobody holds.
 */
static bool finish(struct journal_file *file)
{
    const struct spool_settings *spool = &file->owner->settings.spool;
    bool is_held = (file->envelope->flags & ENVELOPE_HOLD) != 0;
    char folder[SPOOL_PATH_SIZE];

    if (!write_piece(file) || (is_held && !spool_move(spool, file->id, file->path, SPOOL_HOLD, true, &file->why)) ||
        !queue_file_finish(file->writer, file->envelope, file->envelope->arrival, &file->why) ||
        !queue_file_sync(file->writer, &file->why))
        return false;
    if (is_held)
        return true;
    spool_folder(spool, SPOOL_INCOMING, file->id, folder);
    return file_sync_directory(folder, &file->why);
}

static void abandon(struct journal_file *file)
{
    char path[SPOOL_PATH_SIZE];
    struct failure ignored;
    bool is_gone;

    if (file->writer == NULL)
        return;
    if (file->is_scratch) {
        queue_file_close(&file->writer);
        return;
    }
    /* While the lock is still held: nobody takes it for an orphan, or for a message. */
    is_gone = spool_remove(file->path, &ignored);
    spool_path(&file->owner->settings.spool, SPOOL_HOLD, file->id, path);
    if ((file->envelope != NULL && (file->envelope->flags & ENVELOPE_HOLD) != 0))
        is_gone = spool_remove(path, &ignored) && is_gone;
    /* It was refused: what stays must not be delivered. If not even that can be done, it may come twice. */
    if (!is_gone)
        (void) !queue_file_void(file->writer, &ignored);
    queue_file_close(&file->writer);
}

static bool read_back(struct journal_file *file)
{
    return write_piece(file) && queue_file_read_back(file->writer, file->reading.offset, file->reading.room,
                                                     file->reading.most, &file->reading.count, &file->why);
}

static void run_step(void *context)
{
    struct journal_file *file = context;

    switch (file->step) {
    case STEP_CREATE:
        file->is_done = create(file);
        break;
    case STEP_WRITE:
        file->is_done = write_piece(file);
        break;
    case STEP_UNNAME:
        file->is_done = spool_remove(file->path, &file->why);
        break;
    case STEP_READ:
        file->is_done = read_back(file);
        break;
    case STEP_FINISH:
        file->is_done = finish(file);
        if (!file->is_done)
            abandon(file);
        queue_file_close(&file->writer);
        break;
    case STEP_ABANDON:
        abandon(file);
        file->is_done = true;
        break;
    }
}

static bool do_step(struct journal_file *file, enum step step, struct failure *why)
{
    file->step = step;
    file->is_done = false;
    if (offload_run(file->owner->offload, run_step, file, NULL, DURATION_FOREVER, &file->why) && file->is_done)
        return true;
    *why = file->why;
    return false;
}

static void destroy(struct journal_file **file)
{
    (*file)->owner->open_files--;
    strbuf_done(&(*file)->piece);
    memory_free(*file);
    *file = NULL;
}

bool journal_file_begin(struct journal_writer *writer, struct queue_id id, struct journal_file **file_out,
                        struct failure *why)
{
    struct journal_file *file = memory_alloc(sizeof(*file));

    file->owner = writer;
    file->id = id;
    strbuf_init(&file->piece, PIECE_BYTES);
    spool_path(&writer->settings.spool, SPOOL_INCOMING, id, file->path);
    writer->open_files++;
    if (!do_step(file, STEP_CREATE, why)) {
        destroy(&file);
        return false;
    }
    *file_out = file;
    return true;
}

bool journal_file_write(struct journal_file *file, struct str content, struct failure *why)
{
    file->size += content.len;
    while (content.len > 0) {
        struct str part = str_part(content, 0, PIECE_BYTES - file->piece.len);

        strbuf_append(&file->piece, part);
        content = str_from(content, part.len);
        if (file->piece.len < PIECE_BYTES)
            continue;
        if (!do_step(file, STEP_WRITE, why))
            return false;
    }
    return true;
}

bool journal_file_unname(struct journal_file *file, struct failure *why)
{
    file->is_scratch = do_step(file, STEP_UNNAME, why);
    return file->is_scratch;
}

bool journal_file_read(struct journal_file *file, uint64_t offset, size_t most, struct strbuf *out, struct failure *why)
{
    size_t left = offset < file->size ? (size_t) (file->size - offset) : 0;

    if (left < most)
        most = left;
    file->reading.offset = offset;
    file->reading.most = most;
    file->reading.room = strbuf_reserve(out, most);
    if (file->reading.room == NULL)
        return failure_set(why, FAILURE_RETRY, 0, "read a queue file: no room");
    if (most == 0)
        return true;
    if (!do_step(file, STEP_READ, why))
        return false;
    if (file->reading.count != most)
        return failure_set(why, FAILURE_RETRY, 0, "%s: cut short", file->path);
    strbuf_extend(out, most);
    return true;
}

bool journal_file_finish(struct journal_file **file, struct envelope *envelope, struct failure *why)
{
    struct journal_writer *writer = (*file)->owner;
    bool is_held = (envelope->flags & ENVELOPE_HOLD) != 0;
    struct queue_id id = (*file)->id;
    bool is_durable;

    envelope->content_size = (*file)->size;
    (*file)->envelope = envelope;
    is_durable = do_step(*file, STEP_FINISH, why);
    destroy(file);
    if (is_durable)
        journal_note_success(writer);
    else if (why->kind != FAILURE_NO_SPACE)
        journal_note_failure(writer, why);
    if (is_durable && writer->events.file != NULL)
        writer->events.file(writer->events.context, id, is_held);
    return is_durable;
}

void journal_file_abandon(struct journal_file **file)
{
    struct failure ignored;

    if (*file == NULL)
        return;
    (void) !do_step(*file, STEP_ABANDON, &ignored);
    destroy(file);
}
