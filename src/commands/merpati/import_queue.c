/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_queue.h"

#include "config/layout.h"
#include "merpati/import.h"
#include "merpati/import_message.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { RECORD_MAXIMUM = 1 << 30, DEPTH_MAXIMUM = 4 };

static const char record_name[] = "import-queue";
static const char lock_path[] = "pid/master.pid";

/* In this order, so that what is about to go out comes first. */
static const struct {
    const char *name;
    enum import_kind kind;
} queues[] = {
    { "incoming", IMPORT_DEFERRED }, { "active", IMPORT_DEFERRED },    { "deferred", IMPORT_DEFERRED },
    { "hold", IMPORT_HELD },         { "maildrop", IMPORT_SUBMITTED },
};

struct queue_job {
    struct import_messages messages;
    struct map *known; /* what was taken, by import_name.there */
    int record_fd;
    const char *record_path;
    size_t taken, before, left;
};

/* Shut for as long as we hold the lock; the file is opened for reading alone. */
static bool is_down(const char *queue, int *fd_out, struct arena *arena, struct failure *why)
{
    const char *path = arena_printf(arena, "%s/%s", queue, lock_path).data;

    if (!file_open(path, O_RDONLY, 0, fd_out, why))
        return why->error == ENOENT;
    /* Postfix's lock is of one style or the other, as it was built. Shared: ours keeps it from starting meanwhile. */
    return (lock_holder(*fd_out) < 0 && lock_try(*fd_out, path, LOCK_STYLE_FLOCK, LOCK_SHARED, why)) ||
           failure_set(why, FAILURE_RETRY, 0, "the mail system of %s runs: stop it first", queue);
}

static bool shut_ours(const struct instance *instance, int *fd_out, struct failure *why)
{
    if (!file_open(lock_path, O_RDWR, 0, fd_out, why))
        return why->error == ENOENT;
    return lock_try(*fd_out, lock_path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, why) ||
           failure_set(why, FAILURE_RETRY, 0, "the mail system of %.*s runs: stop it first",
                       STR_ARG(instance->shared->queue_directory));
}

static bool append(const struct queue_job *job, struct str text, struct failure *why)
{
    return file_write(job->record_fd, job->record_path, text, why) && file_sync(job->record_fd, job->record_path, why);
}

/* "queue-id arrival-time our-id" lines of all times; a crash may have cut the last one short. */
static bool open_record(struct queue_job *job, const struct instance *instance, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf text;
    struct str rest, line;

    strbuf_init(&text, RECORD_MAXIMUM);
    job->record_path =
        arena_printf(instance->arena, "%.*s/%s", STR_ARG(instance->shared->data_directory), record_name).data;
    if (!file_open(job->record_path, O_RDWR | O_CREAT | O_APPEND, 0600, &job->record_fd, why) ||
        !file_load_fd(job->record_fd, job->record_path, &text, why))
        return false;
    for (rest = strbuf_str(&text); str_cut(rest, '\n', &line, &rest);)
        (void) map_set(job->known, str_part(line, 0, str_find_last_char(line, ' ')), job);
    return rest.len == 0 || append(job, STR("\n"), why);
}

static bool remember(struct queue_job *job, const struct import_name *name, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    strbuf_printf(&line, "%s %s\n", name->there, name->here);
    (void) map_set(job->known, str_from_c(name->there), job);
    return append(job, strbuf_str(&line), why);
}

/* One that cannot be taken does not keep the others. */
static bool take(struct queue_job *job, const char *path, enum import_kind kind, struct failure *why)
{
    struct import_name name;
    struct failure reason;

    switch (import_message(&job->messages, path, kind, &name, &reason)) {
    case IMPORT_KNOWN:
        job->before++;
        return true;
    case IMPORT_TAKEN:
        import_say("%s is %s", path, name.here[0] != '\0' ? name.here : "in maildrop");
        job->taken++;
        return remember(job, &name, why);
    case IMPORT_FINISHED:
        import_say("%s has no recipient left", path);
        return true;
    default:
        import_say("%s is left there: %s", path, reason.text);
        job->left++;
        return true;
    }
}

/* A finished queue file is executable; the sender of another was never told that it was accepted. */
static bool is_message(const char *path, const char *name)
{
    struct stat status;
    struct failure ignored;

    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char) *c))
            return false;
    }
    return file_stat_link(path, &status, &ignored) && S_ISREG(status.st_mode) && (status.st_mode & S_IXUSR) != 0;
}

static bool walk(struct queue_job *job, const char *folder, enum import_kind kind, unsigned depth, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct directory *directory;
    struct failure ignored;
    unsigned char type;
    const char *name;
    bool is_good = true;

    if (!directory_open(AT_FDCWD, folder, &directory, why))
        return why->error == ENOENT;
    while (is_good && directory_next(directory, &name, &type)) {
        const char *path = arena_printf(arena, "%s/%s", folder, name).data;

        if (type == DT_DIR && depth < DEPTH_MAXIMUM)
            is_good = walk(job, path, kind, depth + 1, why);
        else if (is_message(path, name))
            is_good = take(job, path, kind, why);
    }
    return directory_close(&directory, is_good ? why : &ignored) && is_good;
}

static bool take_all(struct queue_job *job, const struct import_source *source, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(queues); i++) {
        if (!walk(job, arena_printf(arena, "%.*s/%s", STR_ARG(source->queue), queues[i].name).data, queues[i].kind, 0,
                  why))
            return false;
    }
    return true;
}

static bool prepare(struct queue_job *job, const struct instance *instance, int *lock_out, struct failure *why)
{
    struct layout_identity identity;

    if (!layout_identity_find(instance->shared, &identity, why) || !layout_make(instance->shared, &identity, why))
        return false;
    if (chdir(arena_c(instance->arena, instance->shared->queue_directory)) != 0)
        return failure_system(why, errno, "chdir %.*s", STR_ARG(instance->shared->queue_directory));
    return shut_ours(instance, lock_out, why) && open_record(job, instance, why) &&
           import_messages_begin(&job->messages, instance, &identity, why);
}

bool import_queue(const struct instance *instance, const struct import_source *source, struct failure *why)
{
    CLEANUP(fd_close) int their_lock = -1;
    CLEANUP(fd_close) int our_lock = -1;
    struct queue_job job = { .messages = { .source = source }, .known = map_create(), .record_fd = -1 };
    bool is_done;

    job.messages.known = job.known;
    is_done = is_down(arena_c(instance->arena, source->queue), &their_lock, instance->arena, why) &&
              prepare(&job, instance, &our_lock, why) && take_all(&job, source, why);
    import_messages_end(&job.messages);
    map_destroy(&job.known);
    fd_close(&job.record_fd);
    if (!is_done)
        return false;
    import_say("%zu messages taken over, %zu were before, %zu left; nothing was removed from %.*s", job.taken,
               job.before, job.left, STR_ARG(source->queue));
    return job.left == 0 || failure_set(why, FAILURE_PERMANENT, 0, "%zu messages were left", job.left);
}
