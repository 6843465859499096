/* SPDX-License-Identifier: Apache-2.0 */
#include "run/offload.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/fiber.h"
#include "run/loop_private.h"

#include <stdio.h>

/*
 * Freed when its owner has destroyed it and the last work has ended: abandoned work may outlive the
 * owner's interest.
 */
struct offload {
    struct loop *loop;
    char name[32];
    unsigned limit;
    unsigned running;
    bool is_destroyed;
    struct event slot_free;
};

struct work {
    uv_work_t uv;
    struct offload *offload;
    void (*function)(void *context);
    void (*release)(void *context);
    void *context;
    struct fiber *waiter; /* NULL once it has given up */
    bool has_ended;
};

struct offload *offload_create(struct loop *loop, const char *name, unsigned limit)
{
    struct offload *offload = memory_alloc(sizeof *offload);

    CHECK(limit > 0);
    offload->loop = loop;
    snprintf(offload->name, sizeof offload->name, "%s", name);
    offload->limit = limit;
    event_init(&offload->slot_free);
    return offload;
}

static void free_if_done(struct offload *offload)
{
    if (offload->is_destroyed && offload->running == 0)
        memory_free(offload);
}

void offload_destroy(struct offload **pointer)
{
    struct offload *offload = *pointer;

    if (offload == NULL)
        return;
    *pointer = NULL;
    CHECK(!event_has_waiters(&offload->slot_free));
    offload->is_destroyed = true;
    free_if_done(offload);
}

static void work_in_thread(uv_work_t *uv)
{
    struct work *work = CONTAINER_OF(uv, struct work, uv);

    work->function(work->context);
}

static void work_ended(uv_work_t *uv, int status)
{
    struct work *work = CONTAINER_OF(uv, struct work, uv);
    struct offload *offload = work->offload;

    CHECK(status == 0);
    offload->running--;
    offload->loop->work_count--;
    event_wake_one(&offload->slot_free);
    if (work->waiter != NULL) {
        work->has_ended = true;
        fiber_unpark(work->waiter);
        return;
    }
    work->release(work->context);
    memory_free(work);
    free_if_done(offload);
}

static bool wait_for_slot(struct offload *offload, struct instant end, struct failure *why)
{
    while (offload->running >= offload->limit) {
        struct duration left = instant_since(end, loop_now(offload->loop));

        if (!event_wait(offload->loop, &offload->slot_free, left, NULL))
            return failure_set(why, FAILURE_TIMEOUT, 0, "%s: timed out waiting for a turn", offload->name);
    }
    return true;
}

bool offload_run(struct offload *offload, void (*function)(void *context), void *context,
                 void (*release)(void *context), struct duration timeout, struct failure *why)
{
    struct instant end = instant_add(loop_now(offload->loop), timeout);
    struct work *work;

    if (!wait_for_slot(offload, end, why)) {
        release(context);
        return false;
    }
    work = memory_alloc(sizeof *work);
    *work = (struct work){ .offload = offload, .function = function, .release = release, .context = context };
    work->waiter = fiber_current(offload->loop);
    offload->running++;
    offload->loop->work_count++;
    CHECK(uv_queue_work(&offload->loop->uv, &work->uv, work_in_thread, work_ended) == 0);
    (void) fiber_park(offload->loop, NULL, instant_since(end, loop_now(offload->loop)));
    if (work->has_ended) {
        memory_free(work);
        return true;
    }
    work->waiter = NULL;
    return failure_set(why, FAILURE_TIMEOUT, 0, "%s: timed out", offload->name);
}
