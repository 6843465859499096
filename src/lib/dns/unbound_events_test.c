/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/unbound_events.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "unit.h"

#include <sys/socket.h>
#include <unbound-event.h>
#include <unistd.h>

/* libunbound's side: one event on one end of a pair of sockets, and what it was told. */
struct stage {
    struct loop *loop;
    struct ub_event_base *base;
    struct ub_event *event;
    int ends[2];
    unsigned fired;
    short bits;
    bool frees_itself;
    void (*play)(struct stage *stage);
};

static void take(int fd, short bits, void *argument)
{
    struct stage *stage = argument;
    char byte;

    EXPECT(fd == stage->ends[0] || fd == -1);
    stage->fired++;
    stage->bits = bits;
    if ((bits & UB_EV_READ) != 0)
        EXPECT(read(stage->ends[0], &byte, 1) == 1);
    if (!stage->frees_itself)
        return;
    stage->event->vmt->free(stage->event);
    stage->event = NULL;
}

static void make_event(struct stage *stage, int fd, short bits)
{
    stage->event = stage->base->vmt->new_event(stage->base, fd, bits, take, stage);
    EXPECT(stage->event != NULL && stage->event->magic == UB_EVENT_MAGIC);
}

static void add(struct stage *stage, long milliseconds)
{
    struct timeval timeout = { .tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000 };

    EXPECT_INT(stage->event->vmt->add(stage->event, milliseconds >= 0 ? &timeout : NULL), 0);
}

static void wait_fired(struct stage *stage, unsigned count)
{
    while (stage->fired < count)
        fiber_sleep(stage->loop, milliseconds(1));
    EXPECT_UINT(stage->fired, count);
}

/* So many turns of the loop that whatever is ready would have been told. */
static void settle(struct stage *stage)
{
    for (int i = 0; i < 20; i++)
        fiber_sleep(stage->loop, milliseconds(1));
}

static void say(const struct stage *stage)
{
    EXPECT(write(stage->ends[1], "x", 1) == 1);
}

static void run(void *context)
{
    struct stage *stage = context;

    stage->play(stage);
    if (stage->event != NULL)
        stage->event->vmt->free(stage->event);
}

static void play(void (*function)(struct stage *stage))
{
    struct stage stage = { .loop = loop_create(), .play = function };

    EXPECT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, stage.ends) == 0);
    stage.base = unbound_events_create(stage.loop);
    EXPECT_INT(stage.base->magic, UB_EVENT_MAGIC);
    fiber_run(stage.loop, run, &stage);
    loop_run(stage.loop);
    unbound_events_destroy(&stage.base);
    EXPECT(stage.base == NULL);
    loop_destroy(&stage.loop);
    fd_close(&stage.ends[0]);
    fd_close(&stage.ends[1]);
}

static void read_once(struct stage *stage)
{
    make_event(stage, stage->ends[0], UB_EV_READ);
    settle(stage);
    add(stage, -1);
    settle(stage);
    EXPECT_UINT(stage->fired, 0);
    say(stage);
    wait_fired(stage, 1);
    EXPECT_INT(stage->bits, UB_EV_READ);
    say(stage);
    settle(stage);
    EXPECT_UINT(stage->fired, 1);
    /* Added again, it hears of what came meanwhile. */
    add(stage, -1);
    wait_fired(stage, 2);
}

TEST(an_event_fires_once_each_time_it_is_added)
{
    play(read_once);
}

static void read_again(struct stage *stage)
{
    make_event(stage, stage->ends[0], UB_EV_READ | UB_EV_PERSIST);
    add(stage, -1);
    for (unsigned i = 1; i <= 3; i++) {
        say(stage);
        wait_fired(stage, i);
    }
    EXPECT_INT(stage->event->vmt->del(stage->event), 0);
    say(stage);
    settle(stage);
    EXPECT_UINT(stage->fired, 3);
}

TEST(a_persistent_event_fires_until_it_is_deleted)
{
    play(read_again);
}

static void change_bits(struct stage *stage)
{
    make_event(stage, -1, UB_EV_PERSIST);
    stage->event->vmt->set_fd(stage->event, stage->ends[0]);
    stage->event->vmt->add_bits(stage->event, UB_EV_READ | UB_EV_WRITE);
    stage->event->vmt->del_bits(stage->event, UB_EV_PERSIST);
    add(stage, -1);
    /* A socket with room may be written to at once. */
    wait_fired(stage, 1);
    EXPECT_INT(stage->bits, UB_EV_WRITE);
    stage->event->vmt->del_bits(stage->event, UB_EV_WRITE);
    add(stage, -1);
    settle(stage);
    EXPECT_UINT(stage->fired, 1);
    say(stage);
    wait_fired(stage, 2);
    EXPECT_INT(stage->bits, UB_EV_READ);
}

TEST(bits_and_descriptor_count_from_the_next_adding)
{
    play(change_bits);
}

static void time_out(struct stage *stage)
{
    make_event(stage, stage->ends[0], UB_EV_READ);
    add(stage, 0);
    wait_fired(stage, 1);
    EXPECT_INT(stage->bits, UB_EV_TIMEOUT);
    /* The time was over: what comes now is not for it. */
    say(stage);
    settle(stage);
    EXPECT_UINT(stage->fired, 1);
    /* Without a timeout, an earlier one is forgotten. */
    add(stage, 5);
    add(stage, -1);
    wait_fired(stage, 2);
    EXPECT_INT(stage->bits, UB_EV_READ);
    settle(stage);
    EXPECT_UINT(stage->fired, 2);
}

TEST(a_timeout_ends_the_waiting)
{
    play(time_out);
}

static void use_as_timer(struct stage *stage)
{
    struct timeval timeout = { .tv_usec = 1000 };

    stage->event = stage->base->vmt->new_event(stage->base, -1, UB_EV_PERSIST, NULL, NULL);
    EXPECT_INT(stage->event->vmt->add_timer(stage->event, stage->base, take, stage, &timeout), 0);
    while (stage->fired < 3)
        fiber_sleep(stage->loop, milliseconds(1));
    EXPECT_INT(stage->bits, UB_EV_TIMEOUT);
    EXPECT_INT(stage->event->vmt->del_timer(stage->event), 0);
    stage->fired = 0;
    settle(stage);
    EXPECT_UINT(stage->fired, 0);
}

TEST(a_persistent_timer_goes_on_until_it_is_deleted)
{
    play(use_as_timer);
}

static void free_in_callback(struct stage *stage)
{
    stage->frees_itself = true;
    make_event(stage, stage->ends[0], UB_EV_READ | UB_EV_PERSIST);
    add(stage, 60000);
    say(stage);
    wait_fired(stage, 1);
    say(stage);
    settle(stage);
    EXPECT_UINT(stage->fired, 1);
}

TEST(an_event_may_be_freed_by_what_it_calls)
{
    play(free_in_callback);
}

static void leave_waiting(struct stage *stage)
{
    make_event(stage, stage->ends[0], UB_EV_READ | UB_EV_PERSIST);
    add(stage, 3600 * 1000);
    /* play() ends although it still waits, for an hour, until it is freed. */
}

TEST(an_event_that_waits_does_not_keep_the_loop)
{
    play(leave_waiting);
}

static void refuse(struct stage *stage)
{
    struct ub_event *signal = stage->base->vmt->new_signal(stage->base, 15, take, stage);

    EXPECT_INT(signal->vmt->add_signal(signal, NULL), -1);
    EXPECT_INT(signal->vmt->del_signal(signal), 0);
    signal->vmt->free(signal);
    EXPECT_INT(stage->base->vmt->dispatch(stage->base), -1);
    EXPECT_INT(stage->base->vmt->loopexit(stage->base, NULL), -1);
}

TEST(signals_and_a_loop_of_its_own_are_refused)
{
    play(refuse);
}
