/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/walker.h"

#include "base/memory.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "qmgr/repair.h"
#include "run/loop.h"
#include "spool/queue_file.h"
#include "spool/spool_walking.h"

#include <fcntl.h>

/*
 * A pass in the background looks at so many files a second; one that somebody waits for makes a turn of more, several
 * parts of a queue at one time.
 */
enum { BACKGROUND_NAMES = 200, TURN = 1000, PARTS = 4 };

struct seen_file {
    struct queue_id id;
    int64_t next_attempt; /* seconds */
    bool is_cut;          /* in hold/, and its writer died before it was a message: nobody would ever look */
};

/* The parts of one queue that are being walked. */
struct walk {
    struct keeper *keeper;
    enum spool_queue queue;
    unsigned parts;
    unsigned begun;
    unsigned left;
    size_t misplaced; /* second files of one message, saved in corrupt/ */
    size_t strange;   /* names that are no message's */
};

/* One step on a thread. */
struct walk_job {
    struct spool_walking *walking;
    const struct spool_settings *spool;
    size_t misplaced;
    size_t names;
    struct seen_file files[TURN];
    size_t count;
    bool is_over;
    bool is_done;
    struct failure why;
};

/* Its writer tells of it, when it is a message. In hold/ it is seen whether that writer is still there. */
static bool is_arriving(enum spool_queue queue, const char *path, bool *is_cut_out)
{
    CLEANUP(fd_close) int fd = -1;
    struct failure ignored;

    *is_cut_out = false;
    if ((queue != SPOOL_INCOMING && queue != SPOOL_HOLD) || !file_open(path, O_RDONLY | O_NOFOLLOW, 0, &fd, &ignored))
        return false;
    if (queue_file_is_being_written(fd))
        return true;
    *is_cut_out = queue == SPOOL_HOLD && queue_file_was_never_whole(fd);
    return false;
}

static bool see_file(void *context, const struct spool_entry *entry)
{
    struct walk_job *job = context;
    bool is_cut;

    if (is_arriving(entry->queue, entry->path, &is_cut))
        return true;
    if (!repair_place(job->spool, entry)) {
        job->misplaced++;
        return true;
    }
    job->files[job->count++] = (struct seen_file){ entry->id, instant_seconds(entry->next_attempt), is_cut };
    return true;
}

static void run_step(void *context)
{
    struct walk_job *job = context;

    job->count = 0;
    job->is_done = spool_walking_step(job->walking, job->names, see_file, job, &job->is_over, &job->why);
}

/* Puts a message that is a file where its queue says that it belongs. */
static void place(struct keeper *keeper, struct queued_message *message, enum spool_queue queue, int64_t next_attempt)
{
    message->queue = (unsigned char) queue;
    message->was_deferred = queue == SPOOL_DEFERRED;
    if (queue == SPOOL_HOLD)
        queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    else if (queue == SPOOL_DEFERRED && next_attempt > keeper_now() && !keeper->wants_flush)
        queue_index_wait(keeper->index, message, next_attempt);
    else
        queue_index_ready(keeper->index, message);
}

static bool is_at_rest(const struct queued_message *message)
{
    return message->segment == NULL && message->state != QUEUED_ACTIVE && !message->is_moving;
}

/* This pass has seen it in another queue: it was moved meanwhile, or there are two files. */
static bool is_seen_twice(const struct keeper *keeper, const struct queued_message *message, enum spool_queue queue)
{
    return message != NULL && is_at_rest(message) && keeper->walk_number != 0 && message->seen == keeper->walk_number &&
           message->queue != queue;
}

static void take_file(struct keeper *keeper, enum spool_queue queue, const struct seen_file *file)
{
    struct queued_message *message = queue_index_find(keeper->index, file->id);

    if (is_seen_twice(keeper, message, queue)) {
        (void) repair_twins(keeper, message, &queue);
        place(keeper, message, queue, file->next_attempt);
        return;
    }
    if (message == NULL) {
        message = queue_index_add(keeper->index, file->id, queue);
        place(keeper, message, queue, file->next_attempt);
        if (file->is_cut)
            queue_index_ready(keeper->index, message);
    } else if (is_at_rest(message)) {
        /* Moved, or touched, by hand. */
        if (message->queue != queue)
            place(keeper, message, queue, file->next_attempt);
        else if (message->state == QUEUED_WAITING && !message->is_inherited &&
                 file->next_attempt < (int64_t) message->next_attempt)
            queue_index_wait(keeper->index, message, file->next_attempt);
    }
    message->seen = keeper->walk_number;
}

/* Delivery needs the disk too: nobody waits for a pass in the background. */
static void rest(struct keeper *keeper)
{
    struct instant end = instant_add(loop_now(keeper->loop), seconds(1));

    while (!keeper->walk_hurries && !keeper->is_draining && instant_is_before(loop_now(keeper->loop), end))
        keeper_wait_change(keeper);
}

/* What is not understood is left alone; who asked for a look, or started the system, is told of it. */
static void tell_strange(const struct walk *walk)
{
    const char *name = spool_queue_name(walk->queue);

    if (walk->misplaced > 0)
        log_error("%s: %zu second files of messages, saved in corrupt/", name, walk->misplaced);
    if (walk->keeper->walk_hurries && walk->strange > 0)
        log_warning("%s: %zu names are no message's and are left alone", name, walk->strange);
}

static void walk_part(struct walk *walk, unsigned part)
{
    struct walk_job *job = memory_alloc(sizeof(*job));
    struct keeper *keeper = walk->keeper;

    job->walking = spool_walking_create(walk->queue, part, walk->parts);
    job->spool = &keeper->spool;
    do {
        if (!keeper->walk_hurries && keeper->walk_names >= BACKGROUND_NAMES) {
            keeper->walk_names = 0;
            rest(keeper);
        }
        job->names = keeper->walk_hurries ? TURN : BACKGROUND_NAMES;
        keeper_block(keeper, run_step, job);
        for (size_t i = 0; i < job->count; i++)
            take_file(keeper, walk->queue, &job->files[i]);
        keeper->walk_names += job->count;
        event_wake_all(&keeper->work);
        fiber_yield(keeper->loop);
    } while (job->is_done && !job->is_over && !keeper->is_draining);
    if (!job->is_done)
        log_warning("cannot look through %s: %s", spool_queue_name(walk->queue), job->why.text);
    walk->misplaced += job->misplaced;
    walk->strange += spool_walking_strange(job->walking);
    spool_walking_destroy(&job->walking);
    memory_free(job);
}

static void walk_in_fiber(void *context)
{
    struct walk *walk = context;

    walk_part(walk, walk->begun++);
    walk->left--;
    event_wake_all(&walk->keeper->changed);
}

static void walk_one(struct keeper *keeper, enum spool_queue queue)
{
    struct walk walk = { .keeper = keeper, .queue = queue };

    walk.parts = keeper->walk_hurries ? PARTS : 1;
    walk.left = walk.parts;
    for (unsigned i = 1; i < walk.parts; i++)
        fiber_start(keeper->loop, walk_in_fiber, &walk);
    walk_in_fiber(&walk);
    while (walk.left > 0)
        keeper_wait_change(keeper);
    tell_strange(&walk);
}

void walker_walk_active(struct keeper *keeper)
{
    keeper->walk_hurries = true;
    walk_one(keeper, SPOOL_INCOMING);
    walk_one(keeper, SPOOL_ACTIVE);
    keeper->walk_hurries = false;
}

/* ---- what is gone ---- */

struct find_job {
    struct queue_id id;
    const struct spool_settings *spool;
    bool is_found;
    bool is_arriving;
    bool is_cut;
    enum spool_queue queue;
    struct failure why;
};

static void find_file(void *context)
{
    struct find_job *job = context;
    char path[SPOOL_PATH_SIZE];

    job->is_found = spool_find(job->spool, job->id, &job->queue, path, &job->why);
    job->is_arriving = job->is_found && is_arriving(job->queue, path, &job->is_cut);
}

static struct find_job *run_find(struct keeper *keeper, struct queue_id id)
{
    struct find_job *job = memory_alloc(sizeof(*job));

    job->id = id;
    job->spool = &keeper->spool;
    keeper_block(keeper, find_file, job);
    return job;
}

static bool may_be_gone(const struct keeper *keeper, const struct queued_message *message)
{
    return message != NULL && message->segment == NULL && message->state != QUEUED_ACTIVE && !message->is_moving &&
           message->seen != keeper->walk_number;
}

static void check_if_gone(struct keeper *keeper, struct queue_id id)
{
    struct find_job *job = run_find(keeper, id);
    struct queued_message *message = queue_index_find(keeper->index, id);

    if (!job->is_found && job->why.kind == FAILURE_NONE && may_be_gone(keeper, message))
        queue_index_remove(keeper->index, message);
    memory_free(job);
}

static void drop_gone(struct keeper *keeper)
{
    size_t count;
    struct queue_id *ids = queue_index_ids(keeper->index, &count);

    for (size_t i = 0; i < count && !keeper->is_draining; i++) {
        if (may_be_gone(keeper, queue_index_find(keeper->index, ids[i])))
            check_if_gone(keeper, ids[i]);
        if (i % TURN == TURN - 1)
            fiber_yield(keeper->loop);
    }
    memory_free(ids);
}

static void walk_once(struct keeper *keeper)
{
    keeper->must_walk_again = false;
    if (++keeper->walk_number == 0)
        keeper->walk_number = 1;
    for (unsigned queue = SPOOL_INCOMING; queue < SPOOL_CORRUPT && !keeper->is_draining; queue++)
        walk_one(keeper, (enum spool_queue) queue);
    if (!keeper->is_draining) {
        drop_gone(keeper);
        keeper->is_indexed = true;
    }
    log_debug("indexed %zu messages", queue_index_count(keeper->index));
}

static void walk_all(void *context)
{
    struct keeper *keeper = context;

    do {
        walk_once(keeper);
    } while (keeper->must_walk_again && !keeper->is_draining);
    keeper->wants_flush = false;
    keeper->walk_hurries = false;
    keeper->walk_names = 0;
    keeper->is_walking = false;
    keeper->finishing--;
    event_wake_all(&keeper->changed);
}

static void start(struct keeper *keeper)
{
    /* Before the journal is read, a file that a killed spill left could be taken for the message. */
    if (keeper->is_walking || keeper->is_draining || !keeper->is_recovered)
        return;
    keeper->is_walking = true;
    keeper->finishing++;
    fiber_start(keeper->loop, walk_all, keeper);
}

void walker_start(struct keeper *keeper)
{
    start(keeper);
}

void walker_start_now(struct keeper *keeper)
{
    keeper->must_walk_again = keeper->is_walking;
    keeper->walk_hurries = true;
    event_wake_all(&keeper->changed);
    start(keeper);
}

struct queued_message *walker_take_up(struct keeper *keeper, struct queue_id id)
{
    struct queued_message *message = queue_index_find(keeper->index, id);
    struct find_job *job;

    if (message != NULL)
        return message;
    job = run_find(keeper, id);
    if (job->is_found && !job->is_arriving) {
        struct seen_file file = { id, keeper_now(), job->is_cut };

        take_file(keeper, job->queue, &file);
    }
    memory_free(job);
    return queue_index_find(keeper->index, id);
}
