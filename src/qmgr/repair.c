/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/repair.h"

#include "base/memory.h"
#include "log/log.h"
#include "os/file.h"
#include "qmgr/walker.h"
#include "run/loop.h"
#include "spool/queue_file.h"

#include <errno.h>
#include <string.h>

bool repair_place(const struct spool_settings *spool, const struct spool_entry *entry)
{
    char path[SPOOL_PATH_SIZE];
    struct failure why;

    spool_path(spool, entry->queue, entry->id, path);
    if (strcmp(path, entry->path) == 0 || spool_move(spool, entry->id, entry->path, entry->queue, true, &why))
        return true;
    return why.error != EEXIST || !spool_set_aside(spool, entry->id, entry->path, &why);
}

/* ---- what is told ---- */

static void tell_twins(struct queue_id id, enum spool_queue kept)
{
    char text[QUEUE_ID_TEXT_SIZE];

    log_error("%s: more than one file: the one in %s/ counts, what else there was is saved in corrupt/",
              queue_id_format(id, text).data, spool_queue_name(kept));
}

static void tell_misnamed(struct queue_id name, struct queue_id real, bool is_known)
{
    char text[QUEUE_ID_TEXT_SIZE];
    char real_text[QUEUE_ID_TEXT_SIZE];

    log_error("%s: the file of this name holds %s: %s", queue_id_format(name, text).data,
              queue_id_format(real, real_text).data,
              is_known ? "a second one of that message, saved in corrupt/" : "it has its name back");
}

/* ---- two files of one message ---- */

struct twins_job {
    const struct spool_settings *spool;
    struct queue_id id;
    enum spool_queue kept;
    unsigned found;
    unsigned moved;
    struct failure why;
};

static bool is_complete(const char *path)
{
    struct arena *arena = arena_create();
    struct queue_file_content content;
    struct envelope envelope;
    struct failure ignored;
    bool is_read = queue_file_open(path, arena, &envelope, &content, NULL, &ignored);

    arena_destroy(&arena);
    return is_read;
}

/* Outcomes are appended: of two complete files the longer one knows more. */
static void choose(struct twins_job *job)
{
    bool best_is_complete = false;
    int64_t best_size = -1;

    for (unsigned queue = 0; queue < SPOOL_CORRUPT; queue++) {
        char path[SPOOL_PATH_SIZE];
        struct failure ignored;
        struct stat status;
        bool completes;

        spool_path(job->spool, (enum spool_queue) queue, job->id, path);
        if (!file_stat_link(path, &status, &ignored) || !S_ISREG(status.st_mode))
            continue;
        job->found++;
        completes = is_complete(path);
        if (completes < best_is_complete || (completes == best_is_complete && status.st_size <= best_size))
            continue;
        best_is_complete = completes;
        best_size = status.st_size;
        job->kept = (enum spool_queue) queue;
    }
}

static void settle_twins(void *context)
{
    struct twins_job *job = context;

    choose(job);
    for (unsigned queue = 0; job->found > 1 && queue < SPOOL_CORRUPT; queue++) {
        char path[SPOOL_PATH_SIZE];
        struct failure why;

        spool_path(job->spool, (enum spool_queue) queue, job->id, path);
        if (queue == job->kept || !file_exists(path))
            continue;
        if (spool_set_aside(job->spool, job->id, path, &why))
            job->moved++;
        else
            job->why = why;
    }
}

bool repair_twins(struct keeper *keeper, struct queued_message *message, enum spool_queue *queue_out)
{
    struct twins_job *job = memory_alloc(sizeof(*job));
    bool is_found;

    job->spool = &keeper->spool;
    job->id = message->id;
    queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    message->is_moving = true;
    keeper_block(keeper, settle_twins, job);
    message->is_moving = false;
    event_wake_all(&keeper->changed);
    is_found = job->found > 0;
    if (is_found)
        *queue_out = job->kept;
    if (job->moved > 0)
        tell_twins(message->id, job->kept);
    if (job->why.kind != FAILURE_NONE)
        log_warning("%s", job->why.text);
    memory_free(job);
    return is_found;
}

/* ---- a name that is another message's ---- */

struct name_job {
    const struct spool_settings *spool;
    struct queue_id name;
    struct queue_id real;
    enum spool_queue queue;
    bool is_known; /* in, and out: the message is there without this file */
    bool is_moved;
    struct failure why;
};

static void mend_name(void *context)
{
    struct name_job *job = context;
    char path[SPOOL_PATH_SIZE];
    char other[SPOOL_PATH_SIZE];
    enum spool_queue queue;
    struct failure ignored;

    spool_path(job->spool, job->queue, job->name, path);
    job->is_known = job->is_known || spool_find(job->spool, job->real, &queue, other, &ignored);
    job->is_moved = job->is_known ? spool_set_aside(job->spool, job->name, path, &job->why)
                                  : spool_move(job->spool, job->real, path, job->queue, true, &job->why);
}

void repair_name(struct keeper *keeper, struct queue_id name, enum spool_queue queue, struct queue_id real)
{
    struct name_job *job = memory_alloc(sizeof(*job));

    job->spool = &keeper->spool;
    job->name = name;
    job->real = real;
    job->queue = queue;
    job->is_known = queue_index_find(keeper->index, real) != NULL;
    keeper_block(keeper, mend_name, job);
    if (!job->is_moved)
        log_warning("%s", job->why.text);
    else
        tell_misnamed(name, real, job->is_known);
    if (job->is_moved && !job->is_known)
        (void) walker_take_up(keeper, real);
    memory_free(job);
}
