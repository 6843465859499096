/* SPDX-License-Identifier: Apache-2.0 */
#include "run/poller.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/loop_private.h"

#include <errno.h>
#include <sys/ioctl.h>

/*
 * libuv hears of the descriptor when somebody first waits: what it asks the kernel for each costs more than a whole
 * answer does, and a connection that is answered and closed, or handed to another process, waits for nothing.
 * Interest once shown stays shown until an event comes that nobody waits for: a session that reads
 * again and again then costs no system call for it.
 */
struct poller {
    uv_poll_t uv;
    struct loop *loop;
    struct list waiters[2];
    int fd;
    int active;    /* UV_READABLE, UV_WRITABLE */
    bool is_known; /* to libuv */
    bool is_interrupted[2];
    bool is_aborted;
};

static const int uv_events[] = { [POLLER_READ] = UV_READABLE, [POLLER_WRITE] = UV_WRITABLE };

static void poller_closed(uv_handle_t *handle)
{
    memory_free(CONTAINER_OF(handle, struct poller, uv));
}

bool poller_create(struct loop *loop, int fd, struct poller **poller_out, struct failure *why)
{
    struct poller *poller;
    int on = 1;

    if (ioctl(fd, FIONBIO, &on) < 0)
        return failure_system(why, errno, "cannot poll descriptor %d", fd);
    poller = memory_alloc(sizeof *poller);
    poller->loop = loop;
    poller->fd = fd;
    list_init(&poller->waiters[POLLER_READ]);
    list_init(&poller->waiters[POLLER_WRITE]);
    *poller_out = poller;
    return true;
}

static bool make_known(struct poller *poller, struct failure *why)
{
    int error;

    if (poller->is_known)
        return true;
    error = uv_poll_init(&poller->loop->uv, &poller->uv, poller->fd);
    if (error < 0)
        return failure_system(why, -error, "cannot poll descriptor %d", poller->fd);
    uv_unref((uv_handle_t *) &poller->uv);
    poller->is_known = true;
    return true;
}

void poller_destroy(struct poller **pointer)
{
    struct poller *poller = *pointer;

    if (poller == NULL)
        return;
    *pointer = NULL;
    CHECK(list_is_empty(&poller->waiters[POLLER_READ]) && list_is_empty(&poller->waiters[POLLER_WRITE]));
    if (poller->is_known)
        uv_close((uv_handle_t *) &poller->uv, poller_closed);
    else
        memory_free(poller);
}

static void wake(struct poller *poller, enum poller_direction direction)
{
    while (!list_is_empty(&poller->waiters[direction]))
        fiber_unpark(fiber_from_link(poller->waiters[direction].next));
}

static void poller_ready(uv_poll_t *handle, int status, int events)
{
    struct poller *poller = CONTAINER_OF(handle, struct poller, uv);
    int unwanted = 0;

    if (status < 0) {
        /* libuv has stopped the handle; read and write will say what it is. */
        poller->active = 0;
        wake(poller, POLLER_READ);
        wake(poller, POLLER_WRITE);
        return;
    }
    for (enum poller_direction direction = POLLER_READ; direction <= POLLER_WRITE; direction++) {
        if ((events & uv_events[direction]) == 0)
            continue;
        if (list_is_empty(&poller->waiters[direction]))
            unwanted |= uv_events[direction];
        wake(poller, direction);
    }
    if (unwanted != 0) {
        poller->active &= ~unwanted;
        uv_poll_start(handle, poller->active, poller_ready);
    }
}

bool poller_wait(struct poller *poller, enum poller_direction direction, struct duration timeout, struct failure *why)
{
    bool is_ready;

    if (poller->is_aborted)
        return failure_set(why, FAILURE_STOPPED, 0, "stopped");
    if (!make_known(poller, why))
        return false;
    if ((poller->active & uv_events[direction]) == 0) {
        poller->active |= uv_events[direction];
        CHECK(uv_poll_start(&poller->uv, poller->active, poller_ready) == 0);
    }
    poller->is_interrupted[direction] = false;
    uv_ref((uv_handle_t *) &poller->uv);
    is_ready = fiber_park(poller->loop, &poller->waiters[direction], timeout);
    if (list_is_empty(&poller->waiters[direction]) && list_is_empty(&poller->waiters[!direction]))
        uv_unref((uv_handle_t *) &poller->uv);
    if (poller->is_aborted || poller->is_interrupted[direction])
        return failure_set(why, FAILURE_STOPPED, 0, "stopped");
    if (!is_ready)
        return failure_set(why, FAILURE_TIMEOUT, 0, "timed out");
    return true;
}

bool poller_is_silent(const struct poller *poller, enum poller_direction direction)
{
    return list_is_empty(&poller->waiters[direction]) && (poller->active & uv_events[direction]) != 0;
}

bool poller_has_waited(const struct poller *poller)
{
    return poller->is_known;
}

void poller_interrupt(struct poller *poller, enum poller_direction direction)
{
    poller->is_interrupted[direction] = !list_is_empty(&poller->waiters[direction]);
    wake(poller, direction);
}

void poller_abort(struct poller *poller)
{
    poller->is_aborted = true;
    wake(poller, POLLER_READ);
    wake(poller, POLLER_WRITE);
}
