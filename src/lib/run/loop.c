/* SPDX-License-Identifier: Apache-2.0 */
#include "run/loop.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/loop_private.h"

#include <signal.h>
#include <stdlib.h>

enum {
    LAST_TURNS = 100,
    ROUNDS = 4, /* of fibers that wake each other (reader, handler, writer) before the next look for events */
};

static void timer_due(uv_timer_t *timer)
{
    struct loop *loop = timer->data;

    loop->armed = (struct instant){ INT64_MAX };
    /* libuv runs due timers before it waits as well as after: then it must not wait, for nothing is armed any more. */
    uv_stop(timer->loop);
}

struct loop *loop_create(void)
{
    struct loop *loop = memory_alloc(sizeof *loop);

    /* A peer that has gone is an error of the write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    CHECK(uv_loop_init(&loop->uv) == 0);
    CHECK(uv_timer_init(&loop->uv, &loop->uv_timer) == 0);
    loop->uv_timer.data = loop;
    loop->now = clock_monotonic();
    loop->armed = (struct instant){ INT64_MAX };
    list_init(&loop->ready);
    list_init(&loop->hooks);
    list_init(&loop->signals);
    stack_pool_init(&loop->stacks);
    return loop;
}

static void signal_closed(uv_handle_t *handle)
{
    memory_free(CONTAINER_OF(handle, struct loop_signal, uv));
}

/* The loop's own timer and its signals end with it; all else belongs to somebody. */
static void note_owned(uv_handle_t *handle, void *context)
{
    bool *is_owned = context;

    if (handle->type != UV_TIMER && handle->type != UV_SIGNAL && !uv_is_closing(handle))
        *is_owned = true;
}

bool loop_is_unused(struct loop *loop)
{
    bool is_owned = false;

    uv_walk(&loop->uv, note_owned, &is_owned);
    return !is_owned && loop->fiber_count == 0 && loop->work_count == 0;
}

bool loop_has_work(const struct loop *loop)
{
    return loop->work_count > 0;
}

void loop_destroy(struct loop **pointer)
{
    struct loop *loop = *pointer;

    if (loop == NULL)
        return;
    *pointer = NULL;
    /* What was closed just now (a channel) ends in fibers of its own. */
    for (int turn = 0; turn < LAST_TURNS && !list_is_empty(&loop->ready); turn++) {
        fiber_run_ready(loop);
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    }
    while (!list_is_empty(&loop->signals)) {
        struct loop_signal *entry = CONTAINER_OF(loop->signals.next, struct loop_signal, link);

        list_remove(&entry->link);
        uv_close((uv_handle_t *) &entry->uv, signal_closed);
    }
    while (!list_is_empty(&loop->hooks)) {
        struct loop_hook *hook = CONTAINER_OF(loop->hooks.next, struct loop_hook, link);

        list_remove(&hook->link);
        memory_free(hook);
    }
    uv_close((uv_handle_t *) &loop->uv_timer, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop->uv) == 0);
    CHECK(loop->fiber_count == 0);
    timer_heap_done(&loop->timers);
    stack_pool_done(&loop->stacks);
    while (loop->buffer_count > 0)
        memory_free(loop->buffers[--loop->buffer_count]);
    memory_free(loop);
}

static void fire_timers(struct loop *loop)
{
    struct timer *first;

    while ((first = timer_first(&loop->timers)) != NULL && !instant_is_before(loop->now, first->deadline)) {
        timer_clear(&loop->timers, first);
        fiber_timer_fired(first);
    }
}

/* Only when the first deadline became an earlier one: taking timers away leaves it armed, to fire for nothing once. */
static void arm_timer(struct loop *loop)
{
    const struct timer *first = timer_first(&loop->timers);
    int64_t wait_us;

    if (first == NULL) {
        if (loop->armed.us != INT64_MAX)
            uv_timer_stop(&loop->uv_timer);
        loop->armed.us = INT64_MAX;
        return;
    }
    if (!instant_is_before(first->deadline, loop->armed))
        return;
    wait_us = instant_since(first->deadline, clock_monotonic()).us;
    if (wait_us < 0)
        wait_us = 0;
    uv_update_time(&loop->uv);
    uv_timer_start(&loop->uv_timer, timer_due, (uint64_t) (wait_us + 999) / 1000, 0);
    loop->armed = first->deadline;
}

static void run_hooks(struct loop *loop)
{
    struct list *next;

    for (struct list *node = loop->hooks.next; node != &loop->hooks; node = next) {
        struct loop_hook *hook = CONTAINER_OF(node, struct loop_hook, link);

        next = node->next;
        hook->function(hook->context);
    }
}

static void collect_events(struct loop *loop)
{
    if (list_is_empty(&loop->ready)) {
        arm_timer(loop);
        uv_run(&loop->uv, UV_RUN_ONCE);
    } else {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    }
    loop->now = clock_monotonic();
    fire_timers(loop);
}

void loop_run(struct loop *loop)
{
    CHECK(loop->current == NULL);
    loop->now = clock_monotonic();
    while (!loop->is_stopped) {
        for (int round = 0; round < ROUNDS && !loop->is_stopped; round++)
            fiber_run_ready(loop);
        if (loop->has_run)
            run_hooks(loop);
        loop->has_run = false;
        if (loop->is_stopped)
            break;
        if (list_is_empty(&loop->ready) && timer_first(&loop->timers) == NULL && !uv_loop_alive(&loop->uv))
            break;
        collect_events(loop);
    }
    loop->is_stopped = false;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

struct instant loop_now(const struct loop *loop)
{
    return loop->now;
}

static void signal_arrived(uv_signal_t *handle, int number)
{
    struct loop_signal *entry = CONTAINER_OF(handle, struct loop_signal, uv);
    struct loop *loop = handle->data;

    (void) number;
    loop->has_run = true;
    entry->function(entry->context);
}

void loop_on_signal(struct loop *loop, int number, void (*function)(void *context), void *context)
{
    struct loop_signal *entry = memory_alloc(sizeof *entry);

    CHECK(uv_signal_init(&loop->uv, &entry->uv) == 0);
    entry->uv.data = loop;
    entry->function = function;
    entry->context = context;
    list_append(&loop->signals, &entry->link);
    CHECK(uv_signal_start(&entry->uv, signal_arrived, number) == 0);
    /* Waiting for a signal alone is no reason to go on. */
    uv_unref((uv_handle_t *) &entry->uv);
}

void loop_add_hook(struct loop *loop, void (*function)(void *context), void *context)
{
    struct loop_hook *hook = memory_alloc(sizeof *hook);

    hook->function = function;
    hook->context = context;
    list_append(&loop->hooks, &hook->link);
}

void loop_remove_hook(struct loop *loop, void (*function)(void *context), void *context)
{
    for (struct list *node = loop->hooks.next; node != &loop->hooks; node = node->next) {
        struct loop_hook *hook = CONTAINER_OF(node, struct loop_hook, link);

        if (hook->function == function && hook->context == context) {
            list_remove(&hook->link);
            memory_free(hook);
            return;
        }
    }
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

char *loop_buffer_get(struct loop *loop)
{
    return loop->buffer_count > 0 ? loop->buffers[--loop->buffer_count] : memory_resize(NULL, LOOP_BUFFER_SIZE);
}

void loop_buffer_put(struct loop *loop, char *buffer)
{
    if (loop->buffer_count < LOOP_BUFFERS)
        loop->buffers[loop->buffer_count++] = buffer;
    else
        memory_free(buffer);
}
