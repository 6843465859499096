/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_queue.h"

#include "config/layout.h"
#include "merpati/import.h"
#include "merpati/import_message.h"
#include "merpati/import_record.h"
#include "merpati/log_lines.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "spool/maildrop_file.h"
#include "spool/queue_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAXIMUM = 4, PROGRESS = 500 };

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
    struct import_record record;
    bool is_counting;
    size_t total, taken, before, left, finished;
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

/* ---- what a crash left ---- */

static bool is_queue_file(const struct queue_job *job, struct str here)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    struct failure why, ignored;
    enum spool_queue queue;
    struct queue_id id;
    char path[SPOOL_PATH_SIZE];

    if (!queue_id_parse(here, &id) || !spool_find(&job->messages.spool, id, &queue, path, &why))
        return false;
    if (queue_file_open(path, arena, &envelope, &content, NULL, &why))
        return true;
    if (why.kind == FAILURE_PERMANENT)
        (void) !spool_remove(path, &ignored);
    return false;
}

static bool is_in_maildrop(struct str here)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(fd_close) int fd = -1;
    struct maildrop_message message;
    const char *path = arena_c(arena, here);
    struct failure why, ignored;
    uint64_t offset, length;
    struct stat status;

    if (!file_stat_link(path, &status, &ignored))
        return false;
    if ((status.st_mode & S_IXUSR) != 0 && maildrop_open(path, arena, &message, &fd, &offset, &length, &why))
        return true;
    (void) !file_unlink(path, &ignored);
    return false;
}

/* The message that was about to come when an import ended. */
static bool is_here(void *context, struct str here)
{
    return str_starts_with(here, STR("maildrop/")) ? is_in_maildrop(here) : is_queue_file(context, here);
}

/* ---- one by one ---- */

static bool is_full(const struct failure *why)
{
    return why->error == ENOSPC || why->error == EDQUOT;
}

/* One that cannot be taken does not keep the others; a full disk does. */
static bool leave(struct queue_job *job, const char *path, struct failure *reason, struct failure *why)
{
    if (!import_record_cancel(&job->record, why))
        return false;
    if (is_full(reason)) {
        *why = *reason;
        return failure_prefix(why, "stopped: %zu of %zu messages are here; make room and run it again",
                              job->taken + job->before, job->total);
    }
    import_say("%s is left there: %s", path, reason->text);
    job->left++;
    return true;
}

static void tell_progress(const struct queue_job *job)
{
    size_t done = job->taken + job->before + job->left + job->finished;

    if (done % PROGRESS == 0) {
        (void) fflush(stdout);
        log_import_progress(done, job->total);
    }
}

static bool take(struct queue_job *job, const char *path, enum import_kind kind, struct failure *why)
{
    struct import_name name;
    struct failure reason;
    bool is_good = true;

    switch (import_message(&job->messages, path, kind, &name, &reason)) {
    case IMPORT_KNOWN:
        job->before++;
        break;
    case IMPORT_TAKEN:
        import_say("%s is %s", path, name.here);
        import_record_keep(&job->record);
        job->taken++;
        break;
    case IMPORT_FINISHED:
        import_say("%s has no recipient left", path);
        job->finished++;
        break;
    default:
        is_good = leave(job, path, &reason, why);
        break;
    }
    tell_progress(job);
    return is_good;
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
        else if (is_message(path, name) && job->is_counting)
            job->total++;
        else if (is_message(path, name))
            is_good = take(job, path, kind, why);
    }
    return directory_close(&directory, is_good ? why : &ignored) && is_good;
}

/* Or counts them. */
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
    return shut_ours(instance, lock_out, why) && import_messages_begin(&job->messages, instance, &identity, why) &&
           import_record_open(
               &job->record,
               arena_printf(instance->arena, "%.*s/%s", STR_ARG(instance->shared->data_directory), record_name).data,
               is_here, job, why);
}

bool import_queue(const struct instance *instance, const struct import_source *source, struct failure *why)
{
    CLEANUP(fd_close) int their_lock = -1;
    CLEANUP(fd_close) int our_lock = -1;
    struct queue_job job = { .messages = { .source = source }, .record = { .fd = -1 }, .is_counting = true };
    bool is_done;

    job.messages.record = &job.record;
    is_done = is_down(arena_c(instance->arena, source->queue), &their_lock, instance->arena, why) &&
              prepare(&job, instance, &our_lock, why) && take_all(&job, source, why);
    job.is_counting = false;
    is_done = is_done && take_all(&job, source, why) && import_record_finish(&job.record, why);
    import_messages_end(&job.messages);
    import_record_close(&job.record);
    if (!is_done)
        return false;
    import_say("%zu messages taken over, %zu were before, %zu left; nothing was removed from %.*s", job.taken,
               job.before, job.left, STR_ARG(source->queue));
    return job.left == 0 || failure_set(why, FAILURE_PERMANENT, 0, "%zu messages were left", job.left);
}
