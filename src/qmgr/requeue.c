/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/requeue.h"

#include "base/arena.h"
#include "qmgr/loader.h"
#include "spool/maildrop_copy.h"

struct requeue_job {
    char path[SPOOL_PATH_SIZE];
    bool is_done;
    struct failure why;
};

static void copy_message(void *context)
{
    struct requeue_job *job = context;

    job->is_done = maildrop_copy_message(job->path, &job->why);
}

bool requeue_to_maildrop(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    struct arena *arena = arena_create();
    struct requeue_job *job = arena_new(arena, struct requeue_job);
    bool is_done;

    loader_file_path(keeper, message, job->path);
    keeper_block(keeper, copy_message, job);
    is_done = job->is_done;
    if (!is_done)
        *why = job->why;
    arena_destroy(&arena);
    return is_done;
}
