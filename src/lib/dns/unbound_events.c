/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/unbound_events.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/loop.h"

#include <unbound-event.h>
#include <uv.h>

struct unbound_events {
    struct ub_event_base super; /* first: libunbound knows us by it */
    struct loop *loop;
};

/*
 * One event of libunbound's. The handles are made when it is added and closed when it is deleted, because libuv
 * forgets a descriptor only then, and libunbound closes it right after. A handle's data is NULL once it is closing.
 */
struct unbound_event {
    struct ub_event super; /* first */
    struct unbound_events *base;
    int fd;
    short bits;
    void (*callback)(int fd, short bits, void *argument);
    void *argument;
    uv_poll_t *poll;
    uv_timer_t *timer;
    uint64_t timeout_ms; /* 0: none */
};

static struct unbound_event *from_super(struct ub_event *event)
{
    return CONTAINER_OF(event, struct unbound_event, super);
}

static void free_handle(uv_handle_t *handle)
{
    memory_free(handle);
}

static void close_poll(struct unbound_event *event)
{
    if (event->poll == NULL)
        return;
    event->poll->data = NULL;
    uv_close((uv_handle_t *) event->poll, free_handle);
    event->poll = NULL;
}

static void close_timer(struct unbound_event *event)
{
    if (event->timer == NULL)
        return;
    event->timer->data = NULL;
    uv_close((uv_handle_t *) event->timer, free_handle);
    event->timer = NULL;
}

static void deactivate(struct unbound_event *event)
{
    close_poll(event);
    close_timer(event);
}

static void timer_fired(uv_timer_t *timer);

static void start_timer(struct unbound_event *event)
{
    if (event->timer == NULL) {
        event->timer = memory_alloc(sizeof(*event->timer));
        CHECK(uv_timer_init(loop_uv(event->base->loop), event->timer) == 0);
        event->timer->data = event;
        /* Our loop ends when no fiber is left; a cache's housekeeping must not keep it. */
        uv_unref((uv_handle_t *) event->timer);
    }
    CHECK(uv_timer_start(event->timer, timer_fired, event->timeout_ms, 0) == 0);
}

/* The callback may free the event, so it comes last. */
static void fire(struct unbound_event *event, short bits)
{
    if ((event->bits & UB_EV_PERSIST) == 0)
        deactivate(event);
    else if (event->timeout_ms > 0)
        start_timer(event);
    event->callback(event->fd, bits, event->argument);
}

static void timer_fired(uv_timer_t *timer)
{
    if (timer->data != NULL)
        fire(timer->data, UB_EV_TIMEOUT);
}

static void poll_fired(uv_poll_t *poll, int status, int events)
{
    struct unbound_event *event = poll->data;
    short bits = 0;

    if (event == NULL)
        return;
    /* On an error libunbound finds out by its own read or write. */
    if (status < 0)
        bits = event->bits & (UB_EV_READ | UB_EV_WRITE);
    if ((events & UV_READABLE) != 0)
        bits |= UB_EV_READ;
    if ((events & UV_WRITABLE) != 0)
        bits |= UB_EV_WRITE;
    fire(event, bits);
}

static int start_poll(struct unbound_event *event)
{
    int events =
        ((event->bits & UB_EV_READ) != 0 ? UV_READABLE : 0) | ((event->bits & UB_EV_WRITE) != 0 ? UV_WRITABLE : 0);

    close_poll(event);
    if (event->fd < 0 || events == 0)
        return 0;
    event->poll = memory_alloc(sizeof(*event->poll));
    if (uv_poll_init(loop_uv(event->base->loop), event->poll, event->fd) != 0) {
        memory_free(event->poll);
        event->poll = NULL;
        return -1;
    }
    event->poll->data = event;
    uv_unref((uv_handle_t *) event->poll);
    return uv_poll_start(event->poll, events, poll_fired) == 0 ? 0 : -1;
}

static int event_add(struct ub_event *super, struct timeval *timeout)
{
    struct unbound_event *event = from_super(super);

    event->timeout_ms = 0;
    if (timeout != NULL) {
        event->timeout_ms = (uint64_t) timeout->tv_sec * 1000 + (uint64_t) timeout->tv_usec / 1000;
        /* At least one, so that "added with a timeout" and "without" stay apart. */
        if (event->timeout_ms == 0)
            event->timeout_ms = 1;
        start_timer(event);
    } else {
        close_timer(event);
    }
    return start_poll(event);
}

static int event_del(struct ub_event *super)
{
    deactivate(from_super(super));
    return 0;
}

static void event_add_bits(struct ub_event *super, short bits)
{
    from_super(super)->bits |= bits;
}

static void event_del_bits(struct ub_event *super, short bits)
{
    struct unbound_event *event = from_super(super);

    event->bits = (short) (event->bits & ~bits);
}

static void event_set_fd(struct ub_event *super, int fd)
{
    from_super(super)->fd = fd;
}

static void event_free(struct ub_event *super)
{
    deactivate(from_super(super));
    memory_free(from_super(super));
}

static int event_add_timer(struct ub_event *super, struct ub_event_base *base, void (*callback)(int, short, void *),
                           void *argument, struct timeval *timeout)
{
    struct unbound_event *event = from_super(super);

    (void) base;
    event->callback = callback;
    event->argument = argument;
    return event_add(super, timeout);
}

static int event_refuse_signal(struct ub_event *super, struct timeval *timeout)
{
    (void) super;
    (void) timeout;
    return -1;
}

static int event_ignore_signal(struct ub_event *super)
{
    (void) super;
    return 0;
}

static void event_no_winsock(struct ub_event *super)
{
    (void) super;
}

static void event_no_winsock_block(struct ub_event *super, int bits)
{
    (void) super;
    (void) bits;
}

static struct ub_event_vmt event_calls = {
    .add_bits = event_add_bits,
    .del_bits = event_del_bits,
    .set_fd = event_set_fd,
    .free = event_free,
    .add = event_add,
    .del = event_del,
    .add_timer = event_add_timer,
    .del_timer = event_del,
    .add_signal = event_refuse_signal,
    .del_signal = event_ignore_signal,
    .winsock_unregister_wsaevent = event_no_winsock,
    .winsock_tcp_wouldblock = event_no_winsock_block,
};

static struct ub_event *base_new_event(struct ub_event_base *super, int fd, short bits,
                                       void (*callback)(int, short, void *), void *argument)
{
    struct unbound_event *event = memory_alloc(sizeof(*event));

    event->super.magic = UB_EVENT_MAGIC;
    event->super.vmt = &event_calls;
    event->base = CONTAINER_OF(super, struct unbound_events, super);
    event->fd = fd;
    event->bits = bits;
    event->callback = callback;
    event->argument = argument;
    return &event->super;
}

static struct ub_event *base_new_signal(struct ub_event_base *super, int fd, void (*callback)(int, short, void *),
                                        void *argument)
{
    return base_new_event(super, fd, 0, callback, argument);
}

static struct ub_event *base_no_winsock(struct ub_event_base *super, void *wsa_event,
                                        void (*callback)(int, short, void *), void *argument)
{
    (void) super;
    (void) wsa_event;
    (void) callback;
    (void) argument;
    return NULL;
}

static void base_free(struct ub_event_base *super)
{
    (void) super;
}

static int base_no_dispatch(struct ub_event_base *super)
{
    (void) super;
    return -1;
}

static int base_no_exit(struct ub_event_base *super, struct timeval *timeout)
{
    (void) super;
    (void) timeout;
    return -1;
}

static struct ub_event_base_vmt base_calls = {
    .free = base_free,
    .dispatch = base_no_dispatch,
    .loopexit = base_no_exit,
    .new_event = base_new_event,
    .new_signal = base_new_signal,
    .winsock_register_wsaevent = base_no_winsock,
};

struct ub_event_base *unbound_events_create(struct loop *loop)
{
    struct unbound_events *events = memory_alloc(sizeof(*events));

    events->super.magic = UB_EVENT_MAGIC;
    events->super.vmt = &base_calls;
    events->loop = loop;
    return &events->super;
}

void unbound_events_destroy(struct ub_event_base **base)
{
    struct ub_event_base *it = *base;

    *base = NULL;
    if (it != NULL)
        memory_free(CONTAINER_OF(it, struct unbound_events, super));
}
