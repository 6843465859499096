/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/control.h"

#include "base/memory.h"
#include "log/log.h"
#include "os/file.h"
#include "protocol/queue.h"
#include "qmgr/flushing.h"
#include "qmgr/live_segments.h"
#include "qmgr/loader.h"
#include "qmgr/newcomers.h"
#include "qmgr/oldest_first.h"
#include "qmgr/orphan_segments.h"
#include "qmgr/removal.h"
#include "qmgr/requeue.h"
#include "qmgr/segment_ledger.h"
#include "qmgr/spilling.h"
#include "qmgr/successor.h"
#include "qmgr/walker.h"
#include "run/loop.h"

#include <stdio.h>
#include <stdlib.h>

enum { DONE_LIST_MAXIMUM = 10000, TURN = 100, ACTORS = 8 };

/* ---- notices ---- */

static void take_notice(struct keeper *keeper, const struct queue_durable *notice)
{
    struct queue_id id;

    if (str_is_empty(notice->queue_id)) {
        live_segments_notice(keeper, (unsigned) notice->segment, notice->use, notice->offset);
    } else if (queue_id_parse(notice->queue_id, &id)) {
        (void) walker_take_up(keeper, id);
        event_wake_all(&keeper->work);
    }
}

/* The call is a stream of notices and lasts as long as cleanup does. */
/* The next queue manager hears what is durable from now on. On a stop there is none: cleanup is heard to its end. */
static bool is_retiring(const struct daemon *daemon)
{
    return daemon_is_draining(daemon) && !daemon_is_stopping(daemon);
}

bool control_durable(struct daemon_call *call, struct failure *why)
{
    struct keeper *keeper = call->context;
    struct arena *arena = arena_create();
    void *message;

    (void) why;
    take_notice(keeper, call->request);
    for (;;) {
        struct failure ended;

        arena_reset(arena);
        if (call_expect(call->call, &queue_durable_message, arena, seconds(1), &message, &ended))
            take_notice(keeper, message);
        else if (ended.kind != FAILURE_TIMEOUT || is_retiring(call->daemon))
            break;
    }
    arena_destroy(&arena);
    /* It may be dead: what it left is found by its locks. */
    orphan_segments_look(keeper);
    return true;
}

/* ---- one message ---- */

struct rename_job {
    char path[SPOOL_PATH_SIZE];
    struct queue_id id;
    enum spool_queue to;
    const struct spool_settings *spool;
    unsigned add_flags;
    struct instant next_attempt;
    bool is_done;
    struct failure why;
};

/* The folders are synced once, at the end of the operation: until then the message is where its file is. */
static void rename_file(void *context)
{
    struct rename_job *job = context;

    job->is_done =
        queue_file_append(job->path, NULL, 0, job->add_flags, job->next_attempt, job->add_flags != 0, &job->why) &&
        spool_move(job->spool, job->id, job->path, job->to, false, &job->why);
}

static bool change_file(struct keeper *keeper, struct queued_message *message, enum spool_queue to, unsigned add_flags,
                        int64_t next_attempt, struct failure *why)
{
    struct rename_job *job = memory_alloc(sizeof(*job));
    bool is_done;

    loader_file_path(keeper, message, job->path);
    job->id = message->id;
    job->to = to;
    job->spool = &keeper->spool;
    job->add_flags = add_flags;
    job->next_attempt = instant_from_seconds(next_attempt);
    message->is_moving = true;
    queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    keeper_block(keeper, rename_file, job);
    message->is_moving = false;
    event_wake_all(&keeper->changed);
    is_done = job->is_done;
    if (is_done)
        message->queue = (unsigned char) to;
    else
        *why = job->why;
    memory_free(job);
    return is_done;
}

static bool move_file(struct keeper *keeper, struct queued_message *message, enum spool_queue to, struct failure *why)
{
    return change_file(keeper, message, to, 0, keeper_now(), why);
}

/* What it was before, when an operation failed. */
static void put_back(struct keeper *keeper, struct queued_message *message)
{
    if (message->queue == SPOOL_HOLD)
        queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    else
        queue_index_ready(keeper->index, message);
}

enum acted {
    ACTED,
    NOT_ACTED, /* it is not there, or not such that the operation applies */
    ACT_FAILED,
};

bool control_hold(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    bool is_done;

    queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    if (message->segment != NULL)
        is_done = spilling_move(keeper, message, SPOOL_HOLD, keeper_now(), 0, NULL, 0, why);
    else
        is_done = move_file(keeper, message, SPOOL_HOLD, why);
    if (!is_done)
        put_back(keeper, message);
    return is_done;
}

static enum acted hold_message(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    if (message->queue == SPOOL_HOLD)
        return NOT_ACTED;
    if (message->state == QUEUED_ACTIVE) {
        message->must_hold = true;
        return ACTED;
    }
    return control_hold(keeper, message, why) ? ACTED : ACT_FAILED;
}

static enum acted release_message(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    if (message->state == QUEUED_ACTIVE && message->must_hold) {
        message->must_hold = false;
        return ACTED;
    }
    if (message->queue != SPOOL_HOLD || message->state == QUEUED_ACTIVE)
        return NOT_ACTED;
    if (!move_file(keeper, message, SPOOL_DEFERRED, why)) {
        put_back(keeper, message);
        return ACT_FAILED;
    }
    message->was_deferred = true;
    queue_index_ready(keeper->index, message);
    event_wake_all(&keeper->work);
    return ACTED;
}

/* Its next attempt, at which it is returned, stays when it was. In delivery, the end of the attempt is its end. */
static enum acted expire_message(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    bool is_waiting = message->state == QUEUED_WAITING;
    int64_t next_attempt = is_waiting ? (int64_t) message->next_attempt : keeper_now();
    bool is_done;

    if (message->must_expire)
        return NOT_ACTED;
    if (message->state != QUEUED_ACTIVE) {
        queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
        if (message->segment != NULL)
            is_done =
                spilling_move(keeper, message, SPOOL_INCOMING, next_attempt, ENVELOPE_FORCE_EXPIRED, NULL, 0, why);
        else
            is_done = change_file(keeper, message, (enum spool_queue) message->queue, ENVELOPE_FORCE_EXPIRED,
                                  next_attempt, why);
        if (is_waiting)
            queue_index_wait(keeper->index, message, next_attempt);
        else
            put_back(keeper, message);
        if (!is_done)
            return ACT_FAILED;
    }
    message->must_expire = true;
    event_wake_all(&keeper->work);
    return ACTED;
}

struct unlink_job {
    char path[SPOOL_PATH_SIZE];
    bool is_done;
    struct failure why;
};

static void unlink_file(void *context)
{
    struct unlink_job *job = context;

    job->is_done = spool_remove(job->path, &job->why);
}

/* Gone from disk at once; its agents end what they have in hand, and nothing follows from it. */
static enum acted delete_active(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    unsigned origin = message->origin_segment;
    struct unlink_job *job;
    bool is_done;

    if (message->must_delete)
        return NOT_ACTED;
    /* From here on it may be finished, and gone from memory, at each wait. */
    message->must_delete = true;
    if (message->segment != NULL)
        return segment_ledger_record(message, LEDGER_DELETED, 0, LEDGER_WHOLE_MESSAGE, why) ? ACTED : ACT_FAILED;
    job = memory_alloc(sizeof(*job));
    loader_file_path(keeper, message, job->path);
    is_done = origin == 0 || segment_ledger_sync(keeper, origin, why);
    if (is_done) {
        keeper_block(keeper, unlink_file, job);
        is_done = job->is_done;
        if (!is_done)
            *why = job->why;
    }
    memory_free(job);
    return is_done ? ACTED : ACT_FAILED;
}

/* Nobody else touches the message while this one waits for the disk. */
static void take_in_hand(struct keeper *keeper, struct queued_message *message)
{
    queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    message->is_moving = true;
}

static void let_go(struct keeper *keeper, struct queued_message *message)
{
    message->is_moving = false;
    put_back(keeper, message);
    event_wake_all(&keeper->changed);
}

static enum acted delete_message(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    if (message->state == QUEUED_ACTIVE)
        return delete_active(keeper, message, why);
    take_in_hand(keeper, message);
    if (removal_delete(keeper, message)) {
        event_wake_all(&keeper->changed);
        return ACTED;
    }
    let_go(keeper, message);
    (void) failure_set(why, FAILURE_RETRY, 0, "cannot delete");
    return ACT_FAILED;
}

static enum acted requeue_message(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    bool is_file = message->segment == NULL;

    if (message->state == QUEUED_ACTIVE) {
        message->must_requeue = true;
        return ACTED;
    }
    queue_index_set_idle(keeper->index, message, QUEUED_IDLE);
    /* To a file first: the maildrop copy is made from it. */
    if (!is_file)
        is_file = spilling_move(keeper, message, SPOOL_DEFERRED, keeper_now(), 0, NULL, 0, why);
    take_in_hand(keeper, message);
    if (is_file && requeue_to_maildrop(keeper, message, why) && removal_delete(keeper, message)) {
        event_wake_all(&keeper->changed);
        return ACTED;
    }
    let_go(keeper, message);
    return ACT_FAILED;
}

static enum acted flush_message(struct keeper *keeper, struct queued_message *message, struct failure *why)
{
    (void) why;
    return flushing_message(keeper, message) ? ACTED : NOT_ACTED;
}

typedef enum acted operation(struct keeper *keeper, struct queued_message *message, struct failure *why);

static operation *const operations[] = {
    [QUEUE_HOLD] = hold_message,     [QUEUE_RELEASE] = release_message, [QUEUE_REQUEUE] = requeue_message,
    [QUEUE_DELETE] = delete_message, [QUEUE_FLUSH] = flush_message,     [QUEUE_EXPIRE] = expire_message,
};

/* ---- many ---- */

struct control {
    struct keeper *keeper;
    const struct queue_control *request;
    struct arena *arena;
    struct queue_controlled reply;
    operation *act;
    struct oldest_first *left; /* of all */
    unsigned acting;           /* fibers on them */
};

struct str control_queue_of(const struct queued_message *message)
{
    if (message->state == QUEUED_ACTIVE)
        return STR("active");
    return str_from_c(spool_queue_name((enum spool_queue) message->queue));
}

/* Waits until nobody moves or loads it; found again by its id, as it may be gone then. */
struct queued_message *control_find_resting(struct keeper *keeper, struct queue_id id)
{
    struct queued_message *message;

    while ((message = queue_index_find(keeper->index, id)) != NULL &&
           (message->is_moving || (message->state == QUEUED_ACTIVE && message->active == NULL)))
        keeper_wait_change(keeper);
    return message;
}

static void act_on(struct control *control, struct queue_id id, struct str name)
{
    struct queued_message *message = control_find_resting(control->keeper, id);
    enum acted acted = NOT_ACTED;
    struct failure why;

    if (message != NULL && (str_is_empty(control->request->queue_name) ||
                            str_equal(control->request->queue_name, control_queue_of(message))))
        acted = control->act(control->keeper, message, &why);
    if (acted == ACT_FAILED && str_is_empty(control->reply.failure))
        control->reply.failure = arena_str(control->arena, str_from_c(why.text));
    if (acted == ACTED) {
        control->reply.count++;
        if (control->reply.done.count < DONE_LIST_MAXIMUM)
            strlist_add(&control->reply.done, control->arena, name);
    } else if (!control->request->is_all) {
        strlist_add(&control->reply.missing, control->arena, name);
    }
}

static void act_on_left(void *context)
{
    struct control *control = context;
    struct queue_id id;
    unsigned taken = 0;

    while (oldest_first_next(control->left, &id)) {
        char text[QUEUE_ID_TEXT_SIZE];

        act_on(control, id, queue_id_format(id, text));
        if (++taken % TURN == 0)
            fiber_yield(control->keeper->loop);
    }
    control->acting--;
    event_wake_all(&control->keeper->changed);
}

/* The disk is what they wait for, so several at a time. */
static void act_on_all(struct control *control)
{
    newcomers_wait(control->keeper);
    control->left = oldest_first_create(control->keeper->index);
    control->acting = ACTORS;
    for (unsigned i = 1; i < ACTORS; i++)
        fiber_start(control->keeper->loop, act_on_left, control);
    act_on_left(control);
    while (control->acting > 0)
        keeper_wait_change(control->keeper);
    oldest_first_destroy(&control->left);
}

static void act_on_named(struct control *control)
{
    bool knows_newcomers = false;

    for (size_t i = 0; i < control->request->queue_ids.count; i++) {
        struct str name = control->request->queue_ids.items[i];
        struct queue_id id;

        if (!queue_id_parse(name, &id)) {
            strlist_add(&control->reply.missing, control->arena, name);
            continue;
        }
        if (walker_take_up(control->keeper, id) == NULL && !knows_newcomers) {
            newcomers_wait(control->keeper);
            knows_newcomers = true;
        }
        act_on(control, id, name);
    }
}

/* ---- durable before it is said to be done ---- */

struct folders_job {
    const struct spool_settings *spool;
    bool is_done;
    struct failure why;
};

/* The folder and all hashed ones in it. */
static bool sync_tree(const char *folder, unsigned depth, struct failure *why)
{
    static const char digits[] = "0123456789ABCDEF";
    char path[SPOOL_PATH_SIZE];

    for (size_t i = 0; depth < QUEUE_ID_HASH_DIGITS && i < sizeof(digits) - 1; i++) {
        snprintf(path, sizeof(path), "%.80s/%c", folder, digits[i]);
        if (file_exists(path) && !sync_tree(path, depth + 1, why))
            return false;
    }
    return file_sync_directory(folder, why);
}

static void sync_folders(void *context)
{
    struct folders_job *job = context;

    job->is_done = true;
    for (unsigned queue = 0; job->is_done && queue < SPOOL_CORRUPT; queue++)
        job->is_done = sync_tree(spool_queue_name((enum spool_queue) queue), 0, &job->why);
}

static bool make_durable(struct keeper *keeper, struct failure *why)
{
    struct folders_job *job;
    bool is_done;

    if (!segment_ledger_sync_all(keeper, why))
        return false;
    job = memory_alloc(sizeof(*job));
    keeper_block(keeper, sync_folders, job);
    is_done = job->is_done;
    if (!is_done)
        *why = job->why;
    memory_free(job);
    return is_done;
}

/* The journal must have been read, and what is done to all must see all: one pass through the folders. */
static bool wait_for_index(struct keeper *keeper, bool is_all, struct failure *why)
{
    while (!keeper->is_recovered || (is_all && !keeper->is_indexed)) {
        if (keeper->is_draining)
            return failure_set(why, FAILURE_RETRY, 0, "the queue manager ends before it knows all messages");
        keeper_wait_change(keeper);
    }
    return true;
}

static void run_operation(struct control *control)
{
    struct failure why;

    if (!wait_for_index(control->keeper, control->request->is_all, &why)) {
        control->reply.failure = arena_str(control->arena, str_from_c(why.text));
        return;
    }
    control->act = operations[control->request->operation];
    if (control->request->is_all)
        act_on_all(control);
    else
        act_on_named(control);
    if (control->reply.count > 0 && control->act != flush_message && !make_durable(control->keeper, &why) &&
        str_is_empty(control->reply.failure))
        control->reply.failure = arena_str(control->arena, str_from_c(why.text));
}

static void pass_on(struct control *control)
{
    const struct queue_controlled *reply;
    struct failure why;

    if (successor_ask(control->keeper, control->request, control->arena, &reply, &why))
        control->reply = *reply;
    else
        control->reply.failure = arena_str(control->arena, str_from_c(why.text));
}

static size_t count_frames(const struct keeper *keeper)
{
    size_t count = 0;

    for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next)
        count += CONTAINER_OF(node, struct live_segment, node)->message_count;
    return count;
}

/* In rounds, as only so many move at a time, until there is nothing left or no more can be done. */
static void spill_everything(struct control *control)
{
    struct keeper *keeper = control->keeper;
    size_t before = SIZE_MAX;

    for (size_t left = count_frames(keeper); left > 0 && left < before; left = count_frames(keeper)) {
        before = left;
        for (struct list *node = keeper->segments.next; node != &keeper->segments; node = node->next)
            spilling_start_segment(keeper, CONTAINER_OF(node, struct live_segment, node));
        while (keeper->moving > 0)
            keeper_wait_change(keeper);
    }
}

/* What is to be tried now need not wait for a destination that was dead a while ago. */
static void flush_named(struct control *control)
{
    deliveries_revive(control->keeper->deliveries);
    run_operation(control);
}

static void fail(struct control *control, const char *reason)
{
    control->reply.failure = arena_str(control->arena, str_from_c(reason));
}

static void flush_site(struct control *control)
{
    struct str site = control->request->site;
    struct failure why;

    switch (flushing_is_eligible(control->keeper, site, &why)) {
    case TABLE_FOUND:
        if (!flushing_site(control->keeper, site, &why))
            fail(control, why.text);
        return;
    case TABLE_ABSENT:
        control->reply.is_denied = true;
        return;
    case TABLE_UNKNOWN:
        log_warning("%s", why.text);
        fail(control, why.text);
        return;
    }
}

static void flush(struct control *control)
{
    deliveries_forget_ways(control->keeper->deliveries);
    if (!str_is_empty(control->request->site))
        flush_site(control);
    else if (control->request->is_all)
        flushing_all(control->keeper);
    else
        flush_named(control);
}

void control_flush(struct keeper *keeper)
{
    struct queue_control request = { .operation = QUEUE_FLUSH, .is_all = true };
    struct control control = { .keeper = keeper, .request = &request };

    if (!successor_must_act(keeper, true)) {
        deliveries_forget_ways(keeper->deliveries);
        flushing_all(keeper);
        return;
    }
    /* Not to be waited for here: who leaves may wait for the caller. */
    if (!keeper->has_settled) {
        keeper->must_pass_flush = true;
        return;
    }
    control.arena = arena_create();
    pass_on(&control);
    if (!str_is_empty(control.reply.failure))
        log_warning("a flush was asked for in vain: %.*s", STR_ARG(control.reply.failure));
    arena_destroy(&control.arena);
}

bool control_control(struct daemon_call *call, struct failure *why)
{
    struct keeper *keeper = call->context;
    struct control control = { .keeper = keeper, .request = call->request, .arena = call->arena };

    if (successor_must_act(keeper, control.request->operation == QUEUE_FLUSH))
        pass_on(&control);
    else if (control.request->operation == QUEUE_SPILL_ALL)
        spill_everything(&control);
    else if (control.request->operation == QUEUE_RESCAN)
        walker_start_now(keeper);
    else if (control.request->operation == QUEUE_FLUSH)
        flush(&control);
    else
        run_operation(&control);
    return daemon_reply(call, &control.reply, why);
}
