/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/held_content.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/time.h"
#include "os/fd.h"
#include "os/file.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    THREADS = 2,
    TAIL_MAXIMUM = 16, /* unused pieces at the end that are not worth a cut */
    PATIENCE_SECONDS = 300,
    PLACES_STEP = 64,
};

static const char file_name[] = "file of held messages";

struct held_content_file {
    struct loop *loop;
    struct offload *offload;
    int fd;
    bool *is_used; /* a place of HELD_PIECE bytes in the file */
    size_t room;   /* of is_used */
    size_t end;    /* the file has so many places */
    size_t first;  /* none before it is free */
    bool is_cutting;
    bool is_broken; /* its end is not known any more */
    struct event cut;
};

struct held_content {
    struct held_content_file *file;
    char *piece; /* HELD_PIECE bytes: what was added last; when reading, what was read last */
    size_t len;
    size_t *places; /* of the pieces in the file, in order */
    size_t count, room;
    size_t next; /* to be read; count: the piece that never went into the file */
    bool is_reading;
};

/* What a thread does. */
struct work {
    int fd;
    char *piece;
    size_t len;
    uint64_t offset;
    uint64_t size; /* to cut to */
    bool is_done;
    struct failure why;
};

/* ---- the file ---- */

/* Without a name from birth; where the filesystem has no such files, it loses its name at once. */
static bool open_nameless(const char *directory, int *fd_out, struct failure *why)
{
    char path[4096];

    if (file_open(directory, O_TMPFILE | O_RDWR, 0600, fd_out, why))
        return true;
    if (why->error != EOPNOTSUPP && why->error != EISDIR && why->error != ENOENT)
        return false;
    snprintf(path, sizeof path, "%s/held.XXXXXX", directory);
    *fd_out = mkostemp(path, O_CLOEXEC);
    if (*fd_out < 0)
        return failure_system(why, errno, "%s", path);
    if (file_unlink(path, why))
        return true;
    fd_close(fd_out);
    return false;
}

bool held_content_file_open(const char *directory, struct held_content_file **file_out, struct failure *why)
{
    struct held_content_file *file;
    int fd;

    if (!open_nameless(directory, &fd, why))
        return false;
    file = memory_alloc(sizeof *file);
    file->fd = fd;
    event_init(&file->cut);
    *file_out = file;
    return true;
}

void held_content_file_start(struct held_content_file *file, struct loop *loop)
{
    file->loop = loop;
    file->offload = offload_create(loop, "held messages", THREADS);
}

void held_content_file_close(struct held_content_file **pointer)
{
    struct held_content_file *file = *pointer;

    if (file == NULL)
        return;
    *pointer = NULL;
    offload_destroy(&file->offload);
    fd_close(&file->fd);
    memory_free(file->is_used);
    memory_free(file);
}

uint64_t held_content_file_size(const struct held_content_file *file)
{
    return (uint64_t) file->end * HELD_PIECE;
}

static void wait_for_cut(struct held_content_file *file)
{
    while (file->is_cutting)
        (void) !event_wait(file->loop, &file->cut, DURATION_FOREVER, NULL);
}

/* The first one that is free. */
static size_t take_place(struct held_content_file *file)
{
    size_t place = file->first;

    while (place < file->end && file->is_used[place])
        place++;
    if (place == file->room) {
        file->room += PLACES_STEP;
        file->is_used = memory_resize(file->is_used, file->room * sizeof *file->is_used);
    }
    if (place == file->end)
        file->end++;
    file->is_used[place] = true;
    file->first = place + 1;
    return place;
}

static void give_place(struct held_content_file *file, size_t place)
{
    CHECK(place < file->end && file->is_used[place]);
    file->is_used[place] = false;
    if (place < file->first)
        file->first = place;
}

/* ---- work of threads ---- */

static void release(void *context)
{
    struct work *work = context;

    memory_free(work->piece);
    memory_free(work);
}

/* False: it was not done. is_lost_out: and may still be done, some day, with the piece. */
static bool run(struct held_content_file *file, void (*function)(void *), const struct work *given, bool *is_lost_out,
                struct failure *why)
{
    struct work *work = memory_alloc(sizeof *work);
    bool is_done;

    *work = *given;
    *is_lost_out = !offload_run(file->offload, function, work, release, seconds(PATIENCE_SECONDS), why);
    if (*is_lost_out)
        return false;
    is_done = work->is_done;
    if (!is_done)
        *why = work->why;
    memory_free(work);
    return is_done;
}

static void write_piece(void *context)
{
    struct work *work = context;

    work->is_done = file_write_at(work->fd, file_name, str_make(work->piece, work->len), work->offset, &work->why);
}

static void read_piece(void *context)
{
    struct work *work = context;
    size_t count;

    work->is_done = file_read_at(work->fd, file_name, work->piece, work->len, work->offset, &count, &work->why) &&
                    (count == work->len ||
                     failure_set(&work->why, FAILURE_RETRY, 0, "%s: it is shorter than was written", file_name));
}

static void cut_off(void *context)
{
    struct work *work = context;

    work->is_done = file_truncate(work->fd, file_name, work->size, &work->why);
}

/* Pieces that are taken meanwhile wait: theirs could be behind the end. */
static void cut_tail(struct held_content_file *file)
{
    size_t end = file->end;
    struct work work = { .fd = file->fd };
    struct failure why;
    bool is_lost;

    while (end > 0 && !file->is_used[end - 1])
        end--;
    if (file->is_cutting || file->end - end < TAIL_MAXIMUM)
        return;
    file->is_cutting = true;
    work.size = (uint64_t) end * HELD_PIECE;
    if (run(file, cut_off, &work, &is_lost, &why))
        file->end = end;
    if (file->first > file->end)
        file->first = file->end;
    file->is_broken |= is_lost;
    file->is_cutting = false;
    event_wake_all(&file->cut);
}

/* ---- a message ---- */

struct held_content *held_content_create(struct held_content_file *file)
{
    struct held_content *held = memory_alloc(sizeof *held);

    held->file = file;
    return held;
}

void held_content_destroy(struct held_content **pointer)
{
    struct held_content *held = *pointer;

    if (held == NULL)
        return;
    *pointer = NULL;
    for (size_t i = 0; i < held->count; i++)
        give_place(held->file, held->places[i]);
    if (held->count > 0)
        cut_tail(held->file);
    memory_free(held->places);
    memory_free(held->piece);
    memory_free(held);
}

/* The whole piece goes into the file. */
static bool put_away(struct held_content *held, struct failure *why)
{
    struct held_content_file *file = held->file;
    struct work work = { .fd = file->fd, .piece = held->piece, .len = held->len };
    bool is_lost, is_written;
    size_t place;

    wait_for_cut(file);
    if (file->is_broken)
        return failure_set(why, FAILURE_RETRY, 0, "%s: it is of no use", file_name);
    place = take_place(file);
    work.offset = (uint64_t) place * HELD_PIECE;
    is_written = run(file, write_piece, &work, &is_lost, why);
    if (is_lost) {
        /* The place is nobody's any more: what comes late may be written there. */
        held->piece = NULL;
        held->len = 0;
        return false;
    }
    if (held->count == held->room) {
        held->room += PLACES_STEP;
        held->places = memory_resize(held->places, held->room * sizeof *held->places);
    }
    held->places[held->count++] = place;
    held->len = 0;
    return is_written;
}

bool held_content_add(struct held_content *held, struct str bytes, struct failure *why)
{
    CHECK(!held->is_reading);
    while (bytes.len > 0) {
        size_t len;

        if (held->len == HELD_PIECE && !put_away(held, why))
            return false;
        if (held->piece == NULL)
            held->piece = memory_alloc(HELD_PIECE);
        len = HELD_PIECE - held->len < bytes.len ? HELD_PIECE - held->len : bytes.len;
        memcpy(held->piece + held->len, bytes.data, len);
        held->len += len;
        bytes = str_from(bytes, len);
    }
    return true;
}

/* The last piece is read as the others: it went into the file when reading began, if there are others. */
static bool begin_reading(struct held_content *held, struct failure *why)
{
    size_t len = held->len;

    held->is_reading = true;
    if (held->count == 0)
        return true;
    if (!put_away(held, why))
        return false;
    held->len = len;
    return true;
}

static bool fetch(struct held_content *held, size_t len, struct failure *why)
{
    struct work work = { .fd = held->file->fd, .piece = held->piece, .len = len };
    bool is_lost, is_read;

    work.offset = (uint64_t) held->places[held->next] * HELD_PIECE;
    is_read = run(held->file, read_piece, &work, &is_lost, why);
    if (is_lost)
        held->piece = NULL;
    return is_read;
}

bool held_content_next(struct held_content *held, struct str *piece_out, struct failure *why)
{
    size_t len = HELD_PIECE;

    *piece_out = STR_EMPTY;
    if (!held->is_reading && !begin_reading(held, why))
        return false;
    if (held->count == 0) {
        if (held->next++ == 0 && held->len > 0)
            *piece_out = str_make(held->piece, held->len);
        return true;
    }
    if (held->next == held->count)
        return true;
    if (held->next + 1 == held->count)
        len = held->len;
    if (held->piece == NULL)
        return failure_set(why, FAILURE_RETRY, 0, "%s: it is of no use", file_name);
    if (!fetch(held, len, why))
        return false;
    held->next++;
    *piece_out = str_make(held->piece, len);
    return true;
}
