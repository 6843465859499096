/* SPDX-License-Identifier: Apache-2.0 */
#include "run/fiber.h"

#include "run/loop.h"
#include "run/poller.h"
#include "run/tools.h"
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
    struct loop *loop;
    struct event event;
    struct fiber_group group;
    char trace[64];
    size_t steps;
    enum failure_kind kind;
    bool is_woken;
};

static struct scene scene;

static void step(char c)
{
    scene.trace[scene.steps++] = c;
    scene.trace[scene.steps] = '\0';
}

static void setup(void)
{
    scene = (struct scene){ .loop = loop_create() };
    event_init(&scene.event);
    fiber_group_init(&scene.group, scene.loop);
}

static void count_up(void *context)
{
    char c = *(char *) context;

    step(c);
    fiber_yield(scene.loop);
    step(c);
}

TEST(fibers_take_turns_where_they_yield)
{
    char a = 'a';
    char b = 'b';

    setup();
    fiber_start(scene.loop, count_up, &a);
    fiber_start(scene.loop, count_up, &b);
    EXPECT_UINT(fiber_count(scene.loop), 2);
    loop_run(scene.loop);
    EXPECT_TEXT(scene.trace, "abab");
    EXPECT_UINT(fiber_count(scene.loop), 0);
    loop_destroy(&scene.loop);
}

static void sleep_long(void *context)
{
    (void) context;
    fiber_sleep(scene.loop, milliseconds(300));
    step('l');
}

static void sleep_short(void *context)
{
    (void) context;
    fiber_sleep(scene.loop, milliseconds(5));
    step('s');
}

TEST(sleepers_wake_in_the_order_of_their_deadlines)
{
    struct instant before = clock_monotonic();

    setup();
    fiber_start(scene.loop, sleep_long, NULL);
    fiber_start(scene.loop, sleep_short, NULL);
    loop_run(scene.loop);
    EXPECT_TEXT(scene.trace, "sl");
    EXPECT(instant_since(clock_monotonic(), before).us >= 299000);
    loop_destroy(&scene.loop);
}

static void wait_for_event(void *context)
{
    struct duration *timeout = context;
    struct failure why = { 0 };

    scene.is_woken = event_wait(scene.loop, &scene.event, *timeout, &why);
    scene.kind = why.kind;
    step(scene.is_woken ? 'w' : 't');
}

static void wake_one(void *context)
{
    (void) context;
    EXPECT(event_wake_one(&scene.event));
    step('1');
}

TEST(an_event_wakes_who_waited_longest_and_the_others_time_out)
{
    struct duration patience = milliseconds(10);

    setup();
    fiber_start(scene.loop, wait_for_event, &patience);
    fiber_start(scene.loop, wait_for_event, &patience);
    fiber_start(scene.loop, wake_one, NULL);
    loop_run(scene.loop);
    EXPECT_TEXT(scene.trace, "1wt");
    EXPECT_INT(scene.kind, FAILURE_TIMEOUT);
    EXPECT_FALSE(event_has_waiters(&scene.event));
    EXPECT_FALSE(event_wake_one(&scene.event));
    loop_destroy(&scene.loop);
}

static void wait_for_group(void *context)
{
    struct failure why;
    static char c = 'x';

    (void) context;
    fiber_group_start(&scene.group, count_up, &c);
    fiber_group_start(&scene.group, sleep_short, NULL);
    fiber_group_start(&scene.group, sleep_long, NULL);
    EXPECT_FALSE(fiber_group_wait(&scene.group, milliseconds(1), &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    EXPECT(fiber_group_wait(&scene.group, seconds(5), &why));
    step('e');
    EXPECT(fiber_group_wait(&scene.group, seconds(5), &why));
}

TEST(a_group_is_awaited_until_the_last_has_returned)
{
    setup();
    fiber_run(scene.loop, wait_for_group, NULL);
    EXPECT_TEXT(scene.trace, "xxsle");
    loop_destroy(&scene.loop);
}

static void raise_and_wait(void *context)
{
    struct failure why;

    (void) context;
    kill(getpid(), SIGUSR1);
    EXPECT(event_wait(scene.loop, &scene.event, seconds(5), &why));
    step('r');
}

static void signalled(void *context)
{
    (void) context;
    step('s');
    event_wake_all(&scene.event);
}

static void hook(void *context)
{
    (void) context;
    step('h');
}

TEST(signals_and_hooks_run_outside_of_fibers)
{
    setup();
    loop_on_signal(scene.loop, SIGUSR1, signalled, NULL);
    loop_add_hook(scene.loop, hook, NULL);
    fiber_run(scene.loop, raise_and_wait, NULL);
    loop_remove_hook(scene.loop, hook, NULL);
    EXPECT_TEXT(scene.trace, "hsrh");
    loop_destroy(&scene.loop);
}

static size_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long total;
    unsigned long resident = 0;

    EXPECT(file != NULL && fscanf(file, "%lu %lu", &total, &resident) == 2);
    fclose(file);
    return resident * (size_t) sysconf(_SC_PAGESIZE);
}

static void sleep_until_woken(void *context)
{
    struct failure why;

    (void) context;
    EXPECT(event_wait(scene.loop, &scene.event, seconds(100), &why));
}

static void sleep_shortly(void *context)
{
    (void) context;
    fiber_sleep(scene.loop, milliseconds(1));
    step('w');
}

static void be_busy(void *context)
{
    struct instant end = instant_add(clock_monotonic(), milliseconds(3));

    (void) context;
    while (instant_is_before(clock_monotonic(), end))
        continue;
    step('b');
}

/* The pipe keeps the loop alive, as a daemon's listening socket does. */
static void wait_for_input(void *context)
{
    struct poller *poller = context;

    /* Slept over, it would last longer than a test may. */
    (void) !poller_wait(poller, POLLER_READ, seconds(1000), NULL);
}

static void sleep_then_stop_waiting(void *context)
{
    sleep_shortly(context);
    poller_abort(context);
}

TEST(a_deadline_that_passes_while_others_work_is_not_slept_over)
{
    struct poller *poller = NULL;
    int ends[2];

    setup();
    EXPECT(pipe(ends) == 0);
    EXPECT(poller_create(scene.loop, ends[0], &poller, NULL));
    fiber_start(scene.loop, wait_for_input, poller);
    fiber_start(scene.loop, sleep_then_stop_waiting, poller);
    fiber_start(scene.loop, be_busy, NULL);
    loop_run(scene.loop);
    EXPECT_TEXT(scene.trace, "bw");
    poller_destroy(&poller);
    close(ends[0]);
    close(ends[1]);
    loop_destroy(&scene.loop);
}

static void measure(void *context)
{
    size_t before = resident_bytes();
    enum { SLEEPERS = 10000 };

    (void) context;
    for (int i = 0; i < SLEEPERS; i++)
        fiber_group_start(&scene.group, sleep_until_woken, NULL);
    fiber_yield(scene.loop);
    EXPECT(!tools_are_absent() || resident_bytes() - before < 200 << 20);
    EXPECT_UINT(fiber_count(scene.loop), SLEEPERS + 1);
    event_wake_all(&scene.event);
    EXPECT(fiber_group_wait(&scene.group, seconds(60), NULL));
}

TEST(ten_thousand_sleepers_fit_in_200_megabytes)
{
    setup();
    fiber_run(scene.loop, measure, NULL);
    loop_destroy(&scene.loop);
}

static int dig(volatile int depth)
{
    volatile char frame[1000];

    frame[0] = (char) depth;
    return depth > 1000000 ? 0 : dig(depth + 1) + frame[0];
}

static void overflow(void *context)
{
    (void) context;
    _exit(dig(0) & 1);
}

TEST(a_stack_overflow_hits_the_guard_page)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        setup();
        signal(SIGSEGV, SIG_DFL);
        fiber_run(scene.loop, overflow, NULL);
        _exit(0);
    }
    EXPECT_INT(waitpid(pid, &status, 0), pid);
    EXPECT(WIFSIGNALED(status));
    EXPECT_INT(WTERMSIG(status), SIGSEGV);
}

static void use_much_stack(void *context)
{
    volatile char frame[40000];

    for (size_t i = 0; i < sizeof frame; i += 512)
        frame[i] = (char) i;
    (void) context;
    sleep_until_woken(NULL);
    EXPECT_INT(frame[512], 0);
}

static void return_deep_stacks(void *context)
{
    size_t before;
    enum { DEEP = 500 };

    (void) context;
    before = resident_bytes();
    for (int i = 0; i < DEEP; i++)
        fiber_group_start(&scene.group, use_much_stack, NULL);
    fiber_yield(scene.loop);
    EXPECT(resident_bytes() - before > DEEP * 32 << 10);
    event_wake_all(&scene.event);
    EXPECT(fiber_group_wait(&scene.group, seconds(60), NULL));
    EXPECT(!tools_are_absent() || resident_bytes() - before < DEEP * 16 << 10);
}

TEST(deep_pages_of_idle_stacks_are_given_back)
{
    setup();
    fiber_run(scene.loop, return_deep_stacks, NULL);
    loop_destroy(&scene.loop);
}
