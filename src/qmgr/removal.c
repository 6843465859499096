/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/removal.h"

#include "base/memory.h"
#include "os/file.h"
#include "qmgr/live_segments.h"
#include "qmgr/loader.h"
#include "qmgr/log_lines.h"
#include "qmgr/segment_ledger.h"

#include <errno.h>

enum { RETRY_SECONDS = 60 };

struct remove_job {
    struct queue_id id;
    const struct spool_settings *spool;
    char path[SPOOL_PATH_SIZE];
    bool is_done;
    struct failure why;
};

/* One that somebody moved by hand while it was in delivery goes from there: it must not be delivered again. */
static void remove_file(void *context)
{
    struct remove_job *job = context;
    enum spool_queue queue;

    job->is_done = file_unlink(job->path, &job->why);
    if (job->is_done || job->why.error != ENOENT)
        return;
    job->is_done = !spool_find(job->spool, job->id, &queue, job->path, &job->why) ? job->why.kind == FAILURE_NONE
                                                                                  : spool_remove(job->path, &job->why);
}

/* The ledger that says "moved" is durable before the file goes: else the frame would come back. */
static bool remove_from_disk(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    struct remove_job *job;
    bool is_done;

    if (message->origin_segment != 0 && !segment_ledger_sync(keeper, message->origin_segment, why))
        return false;
    job = memory_alloc(sizeof(*job));
    job->id = message->id;
    job->spool = &keeper->spool;
    loader_file_path(keeper, message, job->path);
    keeper_block(keeper, remove_file, job);
    is_done = job->is_done;
    if (!is_done)
        *why = job->why;
    memory_free(job);
    return is_done;
}

struct stale_job {
    struct queue_id id;
    const struct spool_settings *spool;
};

static void remove_stale(void *context)
{
    struct stale_job *job = context;
    char path[SPOOL_PATH_SIZE];
    enum spool_queue queue;
    struct failure ignored;

    /* One was cut, perhaps, and the next one written elsewhere. */
    while (spool_find(job->spool, job->id, &queue, path, &ignored) && spool_remove(path, &ignored))
        ;
}

bool removal_is_at_once(const struct queued_message *message)
{
    return message->segment != NULL && !message->may_have_file && !live_segments_is_earlier(message->segment);
}

/*
 * A spill that failed, or that the last queue manager had asked for, may have left a file, whole or not: it must not
 * bring the message back, nor be a second one of it.
 */
void removal_clear_stale(struct keeper *keeper, const struct queued_message *message)
{
    struct stale_job *job;

    if (message->segment == NULL || removal_is_at_once(message))
        return;
    job = memory_alloc(sizeof(*job));
    job->id = message->id;
    job->spool = &keeper->spool;
    keeper_block(keeper, remove_stale, job);
    memory_free(job);
}

static void remove_stale_files(struct keeper *keeper, struct queued_message *message)
{
    if (message->segment == NULL || removal_is_at_once(message))
        return;
    message->is_moving = true; /* so that no spill begins meanwhile */
    removal_clear_stale(keeper, message);
    message->is_moving = false;
    event_wake_all(&keeper->changed);
}

bool removal_delete(struct keeper *keeper, struct queued_message *message)
{
    char text[QUEUE_ID_TEXT_SIZE];
    struct failure why;
    bool is_done;

    if (message->segment != NULL)
        is_done = segment_ledger_record(message, LEDGER_DELETED, 0, LEDGER_WHOLE_MESSAGE, &why);
    else
        is_done = remove_from_disk(keeper, message, &why);
    if (!is_done) {
        log_message_problem(queue_id_format(message->id, text), NULL, &why);
        return false;
    }
    remove_stale_files(keeper, message);
    live_segments_leave(keeper, message);
    queue_index_remove(keeper->index, message);
    return true;
}

void removal_forget(struct keeper *keeper, struct queued_message *message)
{
    loader_release(keeper, message);
    live_segments_leave(keeper, message);
    queue_index_remove(keeper->index, message);
}

void removal_remove(struct keeper *keeper, struct queued_message *message)
{
    struct failure why;

    if (message->segment == NULL && !message->must_delete && !remove_from_disk(keeper, message, &why)) {
        log_message_problem(message->active->id_text, NULL, &why);
        loader_release(keeper, message);
        queue_index_wait(keeper->index, message, keeper_now() + RETRY_SECONDS);
        return;
    }
    remove_stale_files(keeper, message);
    log_removed(message->active->id_text);
    removal_forget(keeper, message);
}
