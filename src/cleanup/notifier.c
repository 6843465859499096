/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/notifier.h"

#include "base/memory.h"
#include "protocol/queue.h"
#include "run/fiber.h"
#include "run/loop.h"

/* Beyond so many files the oldest is not told: the queue manager's walk over incoming/ finds it. */
enum { SEGMENTS_MAXIMUM = 1024, FILES_MAXIMUM = 4096, RETRY_SECONDS = 1 };

struct known_segment {
    struct journal_notice notice;
    bool is_told;
};

struct notifier {
    struct loop *loop;
    struct endpoint *qmgr;
    struct duration timeout;
    struct fiber_group fibers;
    struct event changed;
    struct call *call; /* NULL while there is none */
    bool is_leaving;   /* this call */
    bool is_stopping;
    struct known_segment segments[SEGMENTS_MAXIMUM];
    size_t segment_count;
    struct queue_id files[FILES_MAXIMUM]; /* a ring */
    size_t first_file;
    size_t file_count;
};

static struct known_segment *find_segment(struct notifier *notifier, unsigned number)
{
    for (size_t i = 0; i < notifier->segment_count; i++)
        if (notifier->segments[i].notice.segment == number)
            return &notifier->segments[i];
    if (notifier->segment_count == SEGMENTS_MAXIMUM) {
        notifier->segment_count--;
        memmove(notifier->segments, notifier->segments + 1, notifier->segment_count * sizeof notifier->segments[0]);
    }
    return &notifier->segments[notifier->segment_count++];
}

void notifier_segment(struct notifier *notifier, const struct journal_notice *notice)
{
    struct known_segment *segment = find_segment(notifier, notice->segment);

    segment->notice = *notice;
    segment->is_told = false;
    event_wake_all(&notifier->changed);
}

void notifier_file(struct notifier *notifier, struct queue_id id)
{
    if (notifier->file_count == FILES_MAXIMUM) {
        notifier->first_file = (notifier->first_file + 1) % FILES_MAXIMUM;
        notifier->file_count--;
    }
    notifier->files[(notifier->first_file + notifier->file_count++) % FILES_MAXIMUM] = id;
    event_wake_all(&notifier->changed);
}

static bool send_segment(struct notifier *notifier, struct known_segment *segment, struct failure *why)
{
    struct queue_durable message = { .segment = segment->notice.segment,
                                     .use = segment->notice.use,
                                     .offset = segment->notice.offset };

    /* Before the wait: a newer notice that comes meanwhile must be sent again. */
    segment->is_told = true;
    return call_send(notifier->call, &queue_durable_message, &message, notifier->timeout, why);
}

static bool send_file(struct notifier *notifier, struct failure *why)
{
    struct queue_id id = notifier->files[notifier->first_file];
    char text[QUEUE_ID_TEXT_SIZE];
    struct queue_durable message = { .queue_id = queue_id_format(id, text) };

    notifier->first_file = (notifier->first_file + 1) % FILES_MAXIMUM;
    notifier->file_count--;
    return call_send(notifier->call, &queue_durable_message, &message, notifier->timeout, why);
}

/* False when the channel is gone. */
static bool send_all(struct notifier *notifier, struct failure *why)
{
    for (size_t i = 0; i < notifier->segment_count; i++)
        if (!notifier->segments[i].is_told && !send_segment(notifier, &notifier->segments[i], why))
            return false;
    while (notifier->file_count > 0)
        if (!send_file(notifier, why))
            return false;
    return true;
}

static bool has_news(const struct notifier *notifier)
{
    for (size_t i = 0; i < notifier->segment_count; i++)
        if (!notifier->segments[i].is_told)
            return true;
    return notifier->file_count > 0;
}

/* What the last channel was told may have been lost with it. */
static void repeat_all(struct notifier *notifier)
{
    for (size_t i = 0; i < notifier->segment_count; i++)
        notifier->segments[i].is_told = false;
}

static void nap(struct notifier *notifier, struct duration duration)
{
    struct failure why;

    if (event_wait(notifier->loop, &notifier->changed, duration, &why))
        return;
}

/* The peer never answers: what comes is the end of the call, and then the next queue manager is told at once. */
static void watch_call(void *context)
{
    struct notifier *notifier = context;
    struct arena *arena = arena_create();
    const struct message_type *type;
    struct failure why = { .kind = FAILURE_TIMEOUT };
    void *message;

    while (!notifier->is_leaving && why.kind == FAILURE_TIMEOUT)
        if (call_receive(notifier->call, arena, milliseconds(500), &type, &message, &why))
            why.kind = FAILURE_PROTOCOL;
    notifier->is_leaving = true;
    event_wake_all(&notifier->changed);
    arena_destroy(&arena);
}

static void serve_one_call(struct notifier *notifier)
{
    struct fiber_group watcher;
    struct failure why;

    repeat_all(notifier);
    notifier->is_leaving = false;
    fiber_group_init(&watcher, notifier->loop);
    fiber_group_start(&watcher, watch_call, notifier);
    while (!notifier->is_leaving && send_all(notifier, &why) && !notifier->is_stopping)
        if (!has_news(notifier) && !notifier->is_leaving)
            nap(notifier, DURATION_FOREVER);
    notifier->is_leaving = true;
    while (!fiber_group_wait(&watcher, seconds(10), &why))
        continue;
    call_end(&notifier->call);
}

static void run(void *context)
{
    struct notifier *notifier = context;
    struct failure why;

    while (!notifier->is_stopping) {
        if (endpoint_call(notifier->qmgr, &notifier->call, &why))
            serve_one_call(notifier);
        else if (!notifier->is_stopping)
            nap(notifier, seconds(RETRY_SECONDS));
    }
}

struct notifier *notifier_start(struct loop *loop, struct endpoint *qmgr, struct duration timeout)
{
    struct notifier *notifier = memory_alloc(sizeof *notifier);

    notifier->loop = loop;
    notifier->qmgr = qmgr;
    notifier->timeout = timeout;
    event_init(&notifier->changed);
    fiber_group_init(&notifier->fibers, loop);
    fiber_group_start(&notifier->fibers, run, notifier);
    return notifier;
}

void notifier_stop(struct notifier **notifier)
{
    struct notifier *ending = *notifier;
    struct failure why;

    if (ending == NULL)
        return;
    ending->is_stopping = true;
    event_wake_all(&ending->changed);
    /* One that still reaches for the queue manager keeps its memory: the process ends soon. */
    if (fiber_group_wait(&ending->fibers, seconds(10), &why))
        memory_free(ending);
    *notifier = NULL;
}
