/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/portions.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "qmgr/finisher.h"
#include "qmgr/loader.h"
#include "qmgr/log_lines.h"
#include "run/loop.h"

#include <fcntl.h>

/* An agent that dies raises an attempt's number by one, a few times at most. */
enum { ATTEMPTS_APART = 8 };

/* ---- reading, on a thread ---- */

struct part_job {
    char path[SPOOL_PATH_SIZE];
    struct queue_file_place place;
    unsigned statuses;
    size_t most;
    struct arena *arena;
    struct envelope *envelope;
    size_t *numbers;
    bool is_done;
    struct failure why;
};

static void read_part(void *context)
{
    struct part_job *job = context;
    int fd;

    if (!file_open(job->path, O_RDONLY | O_NOFOLLOW, 0, &fd, &job->why))
        return;
    job->is_done = queue_file_read_part(fd, &job->place, job->statuses, job->most, job->arena, job->envelope,
                                        &job->numbers, &job->why);
    fd_close(&fd);
}

/* The head of the whole's envelope, with other recipients. */
static struct part_job *run_read(struct keeper *keeper, struct queued_message *message, struct arena *arena,
                                 struct queue_file_place place, unsigned statuses, size_t most)
{
    struct part_job *job = arena_new(arena, struct part_job);

    loader_file_path(keeper, message, job->path);
    job->place = place;
    job->statuses = statuses;
    job->most = most;
    job->arena = arena;
    job->envelope = arena_new(arena, struct envelope);
    *job->envelope = *message->active->envelope;
    job->envelope->recipients = NULL;
    job->envelope->recipient_count = 0;
    job->envelope->recipient_capacity = 0;
    keeper_block(keeper, read_part, job);
    return job;
}

/* ---- a portion ---- */

static void start_portion(struct keeper *keeper, struct queued_message *message, struct part_job *job)
{
    struct active_message *whole = message->active;
    struct portions *portions = whole->portions;
    struct active_message *portion = arena_new(job->arena, struct active_message);
    size_t count = job->envelope->recipient_count;

    *portion = (struct active_message){ .keeper = whole->keeper,
                                        .origin = message,
                                        .arena = job->arena,
                                        .envelope = job->envelope,
                                        .whole = whole,
                                        .numbers = job->numbers,
                                        .id_text = whole->id_text,
                                        .queue_name = whole->queue_name,
                                        .activated = whole->activated,
                                        .was_deferred = whole->was_deferred,
                                        .is_traced = whole->is_traced,
                                        .confirms_delivery = whole->confirms_delivery,
                                        .is_flushed = whole->is_flushed,
                                        .results = arena_new_array(job->arena, count, struct active_result),
                                        .counted = count };
    list_init(&portion->entries);
    keeper->attempt += ATTEMPTS_APART;
    portion->attempt = keeper->attempt;
    keeper->active_recipients += count;
    portions->in_memory += count;
    portions->open++;
    portions->unread = count < portions->unread ? portions->unread - count : 0;
    deliveries_expect(keeper->deliveries, whole, portions->unread);
    deliveries_start(keeper->deliveries, portion);
}

/* What is asked for while it is in delivery, and a stop, leave the rest for another time. */
static bool must_stop(const struct keeper *keeper, const struct queued_message *message)
{
    return keeper->is_draining || message->must_delete || message->must_hold || message->must_requeue ||
           message->must_expire;
}

static void leave_unread(struct portions *portions)
{
    portions->pending += portions->unread;
    portions->untried += portions->unread;
    portions->unread = 0;
}

/* Nothing is open and nothing will come: what became of the whole can be decided. */
static void end_if_done(struct keeper *keeper, struct queued_message *message)
{
    struct portions *portions = message->active->portions;

    if (portions->open > 0 || portions->unread > 0 || portions->is_reading || portions->is_ended)
        return;
    portions->is_ended = true;
    list_remove(&portions->node);
    deliveries_expect(keeper->deliveries, message->active, 0);
    finisher_finish(keeper, message);
}

/* How many recipients should be read now; 0: none. */
static size_t count_wanted(const struct keeper *keeper, const struct queued_message *message)
{
    const struct portions *portions = message->active->portions;
    size_t limit = (size_t) keeper->settings->message_recipient_limit;
    size_t minimum = (size_t) keeper->settings->message_recipient_minimum;
    size_t room = limit > keeper->active_recipients ? limit - keeper->active_recipients : 0;
    struct deliveries_refill refill = deliveries_refill(keeper->deliveries, message->active, room);
    struct duration since = instant_since(loop_now(keeper->loop), portions->read_at);

    if (portions->in_memory < minimum && refill.room < minimum - portions->in_memory)
        refill.room = minimum - portions->in_memory;
    if (refill.room < refill.limit && refill.room < portions->unread && portions->in_memory > 0 &&
        since.us < refill.delay.us)
        return 0;
    return refill.room < PORTION_MAXIMUM ? refill.room : PORTION_MAXIMUM;
}

struct refill {
    struct keeper *keeper;
    struct queued_message *message;
};

/* False when the file cannot be read: the rest waits for another time. */
static bool read_portion(struct keeper *keeper, struct queued_message *message, size_t most)
{
    struct portions *portions = message->active->portions;
    struct arena *arena = arena_create();
    struct part_job *job = run_read(keeper, message, arena, portions->place, 1U << RECIPIENT_PENDING, most);
    bool is_read = job->is_done && job->envelope->recipient_count > 0;

    portions->read_at = loop_now(keeper->loop);
    if (!job->is_done && !message->must_delete)
        log_message_problem(message->active->id_text, NULL, &job->why);
    if (!is_read) {
        arena_destroy(&arena);
        return false;
    }
    portions->place = job->place;
    start_portion(keeper, message, job);
    return true;
}

static void run_refill(void *context)
{
    struct refill *refill = context;
    struct keeper *keeper = refill->keeper;
    struct queued_message *message = refill->message;
    struct portions *portions = message->active->portions;
    size_t most;

    memory_free(refill);
    while (portions->unread > 0 && !must_stop(keeper, message) && (most = count_wanted(keeper, message)) > 0)
        if (!read_portion(keeper, message, most))
            leave_unread(portions);
    if (must_stop(keeper, message))
        leave_unread(portions);
    portions->is_reading = false;
    keeper->finishing--;
    end_if_done(keeper, message);
    event_wake_all(&keeper->changed);
}

static void look(struct keeper *keeper, struct queued_message *message)
{
    struct portions *portions = message->active->portions;
    struct refill *refill;

    if (portions->is_reading || portions->is_ended)
        return;
    if (must_stop(keeper, message))
        leave_unread(portions);
    if (portions->unread == 0 || count_wanted(keeper, message) == 0) {
        end_if_done(keeper, message);
        return;
    }
    refill = memory_alloc(sizeof(*refill));
    *refill = (struct refill){ keeper, message };
    portions->is_reading = true;
    keeper->finishing++;
    fiber_start(keeper->loop, run_refill, refill);
}

void portions_begin(struct keeper *keeper, struct queued_message *message, const struct queue_file_survey *survey)
{
    struct active_message *whole = message->active;
    struct portions *portions = arena_new(whole->arena, struct portions);

    portions->message = message;
    portions->start = survey->start;
    portions->place = survey->start;
    portions->unread = survey->pending;
    portions->failed = survey->failed;
    whole->portions = portions;
    list_append(&keeper->portioned, &portions->node);
    deliveries_expect(keeper->deliveries, whole, portions->unread);
    look(keeper, message);
}

void portions_tick(struct keeper *keeper)
{
    struct list *next;

    for (struct list *node = keeper->portioned.next; node != &keeper->portioned; node = next) {
        struct portions *portions = CONTAINER_OF(node, struct portions, node);

        next = node->next;
        look(keeper, portions->message);
    }
}

/* ---- the end of a portion ---- */

static void count_left(struct portions *portions, const struct active_message *portion)
{
    for (size_t i = 0; i < portion->envelope->recipient_count; i++) {
        bool is_pending = portion->envelope->recipients[i].status == RECIPIENT_PENDING;
        bool was_tried = portion->results[i].outcome != ACTIVE_PENDING;

        portions->pending += is_pending;
        portions->untried += is_pending && !was_tried;
        portions->failed += portion->envelope->recipients[i].status == RECIPIENT_FAILED;
        portions->was_tried = portions->was_tried || was_tried;
    }
}

static void run_end(void *context)
{
    struct active_message *portion = context;
    struct queued_message *message = portion->origin;
    struct keeper *keeper = portion->keeper->context;
    struct portions *portions = portion->whole->portions;
    struct arena *arena = portion->arena;

    keeper_wait_moved(keeper, message);
    if (!message->must_delete)
        finisher_end_portion(keeper, message, portion);
    count_left(portions, portion);
    portions->open--;
    portions->in_memory -= portion->counted;
    keeper->active_recipients -= portion->counted;
    arena_destroy(&arena);
    look(keeper, message);
    keeper->finishing--;
    event_wake_all(&keeper->changed);
    loader_wake(keeper);
}

void portions_finished(struct keeper *keeper, struct active_message *portion)
{
    keeper->finishing++;
    fiber_start(keeper->loop, run_end, portion);
}

/* ---- the end of the whole ---- */

bool portions_gather(struct keeper *keeper, struct queued_message *message, bool is_pending_wanted)
{
    struct active_message *whole = message->active;
    struct portions *portions = whole->portions;
    struct queue_file_place place = portions->start;
    unsigned statuses =
        (portions->failed > 0 ? 1U << RECIPIENT_FAILED : 0) | (is_pending_wanted ? 1U << RECIPIENT_PENDING : 0);
    struct part_job *job;

    if (statuses == 0)
        return true;
    place.statuses_end = UINT64_MAX;
    job = run_read(keeper, message, whole->arena, place, statuses, place.total);
    if (!job->is_done) {
        log_message_problem(whole->id_text, NULL, &job->why);
        return false;
    }
    whole->envelope = job->envelope;
    whole->numbers = job->numbers;
    whole->results = arena_new_array(whole->arena, job->envelope->recipient_count, struct active_result);
    portions->failed = 0;
    if (is_pending_wanted)
        portions->pending = 0;
    return true;
}
