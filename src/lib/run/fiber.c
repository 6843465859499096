/* SPDX-License-Identifier: Apache-2.0 */
#include "run/fiber.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/loop_private.h"
#include "run/switch.h"
#include "run/tools.h"

/* Lives at the upper end of its own stack. */
struct fiber {
    struct list link; /* in the ready list, or in the queue it waits in */
    struct timer timer;
    struct loop *loop;
    struct stack *stack;
    void *context;
    void *fake_stack; /* AddressSanitizer's, while it does not run */
    void (*function)(void *argument);
    void *argument;
    bool is_parked;
    bool is_timed_out;
    bool has_ended;
};

_Static_assert(sizeof(struct fiber) <= STACK_OWNER_SIZE, "a fiber fits beside its stack");

static void switch_home(struct fiber *fiber)
{
    struct loop *loop = fiber->loop;

    tools_start_switch(fiber->has_ended ? NULL : &fiber->fake_stack, loop->home_bottom, loop->home_size);
    switch_stacks(&fiber->context, loop->home_context);
    tools_finish_switch(fiber->fake_stack, &loop->home_bottom, &loop->home_size);
}

NO_RETURN static void fiber_begin(void *argument)
{
    struct fiber *fiber = argument;

    tools_finish_switch(NULL, &fiber->loop->home_bottom, &fiber->loop->home_size);
    fiber->function(fiber->argument);
    fiber->has_ended = true;
    switch_home(fiber);
    __builtin_unreachable();
}

static void fiber_end(struct fiber *fiber)
{
    struct loop *loop = fiber->loop;

    loop->fiber_count--;
    stack_put(&loop->stacks, fiber->stack);
}

static void fiber_enter(struct fiber *fiber)
{
    struct loop *loop = fiber->loop;
    char *low = stack_low(fiber->stack);

    loop->current = fiber;
    tools_start_switch(&loop->home_fake_stack, low, (size_t) (stack_high(fiber->stack) - low));
    switch_stacks(&loop->home_context, fiber->context);
    tools_finish_switch(loop->home_fake_stack, NULL, NULL);
    loop->current = NULL;
    if (fiber->has_ended)
        fiber_end(fiber);
}

void fiber_run_ready(struct loop *loop)
{
    struct list batch;

    /* Those that become ready meanwhile wait for the next turn, so that none can keep events from being collected. */
    if (list_is_empty(&loop->ready))
        return;
    list_init(&batch);
    batch.next = loop->ready.next;
    batch.previous = loop->ready.previous;
    batch.next->previous = &batch;
    batch.previous->next = &batch;
    list_init(&loop->ready);
    while (!list_is_empty(&batch)) {
        struct fiber *fiber = CONTAINER_OF(batch.next, struct fiber, link);

        list_remove(&fiber->link);
        fiber_enter(fiber);
    }
    loop->has_run = true;
}

void fiber_start(struct loop *loop, void (*function)(void *context), void *context)
{
    struct stack *stack = stack_get(&loop->stacks);
    struct fiber *fiber = stack_owner(stack);

    fiber->loop = loop;
    fiber->stack = stack;
    fiber->function = function;
    fiber->argument = context;
    fiber->context = switch_prepare(stack_low(stack), stack_high(stack), fiber_begin, fiber);
    loop->fiber_count++;
    list_append(&loop->ready, &fiber->link);
}

struct fiber *fiber_current(struct loop *loop)
{
    return loop->current;
}

struct fiber *fiber_from_link(struct list *link)
{
    return CONTAINER_OF(link, struct fiber, link);
}

bool fiber_park(struct loop *loop, struct list *queue, struct duration timeout)
{
    struct fiber *fiber = loop->current;

    CHECK(fiber != NULL);
    list_init(&fiber->link);
    if (queue != NULL)
        list_append(queue, &fiber->link);
    if (timeout.us != DURATION_FOREVER.us)
        timer_set(&loop->timers, &fiber->timer, instant_add(loop->now, timeout));
    fiber->is_parked = true;
    fiber->is_timed_out = false;
    switch_home(fiber);
    return !fiber->is_timed_out;
}

void fiber_unpark(struct fiber *fiber)
{
    if (!fiber->is_parked)
        return;
    fiber->is_parked = false;
    timer_clear(&fiber->loop->timers, &fiber->timer);
    list_remove(&fiber->link);
    list_append(&fiber->loop->ready, &fiber->link);
}

void fiber_timer_fired(struct timer *timer)
{
    struct fiber *fiber = CONTAINER_OF(timer, struct fiber, timer);

    fiber->is_timed_out = true;
    fiber_unpark(fiber);
}

void fiber_yield(struct loop *loop)
{
    struct fiber *fiber = loop->current;

    CHECK(fiber != NULL);
    list_append(&loop->ready, &fiber->link);
    switch_home(fiber);
}

void fiber_sleep(struct loop *loop, struct duration duration)
{
    if (duration.us <= 0)
        fiber_yield(loop);
    else
        (void) fiber_park(loop, NULL, duration);
}

bool fiber_is_running(const struct loop *loop)
{
    return loop->current != NULL;
}

size_t fiber_count(const struct loop *loop)
{
    return loop->fiber_count;
}

struct run_state {
    struct loop *loop;
    void (*function)(void *context);
    void *context;
};

enum { LAST_TURNS_MAXIMUM = 100 };

/* Fibers that function let go of, such as those of a channel it closed, end in their own turns. */
static void run_then_stop(void *context)
{
    struct run_state *state = context;

    state->function(state->context);
    for (int turn = 0; turn < LAST_TURNS_MAXIMUM && state->loop->fiber_count > 1; turn++)
        fiber_yield(state->loop);
    loop_stop(state->loop);
}

void fiber_run(struct loop *loop, void (*function)(void *context), void *context)
{
    struct run_state state = { loop, function, context };

    fiber_start(loop, run_then_stop, &state);
    loop_run(loop);
}

void event_init(struct event *event)
{
    list_init(&event->waiters);
}

bool event_wait(struct loop *loop, struct event *event, struct duration timeout, struct failure *why)
{
    if (fiber_park(loop, &event->waiters, timeout))
        return true;
    return failure_set(why, FAILURE_TIMEOUT, 0, "timed out");
}

bool event_wake_one(struct event *event)
{
    if (list_is_empty(&event->waiters))
        return false;
    fiber_unpark(fiber_from_link(event->waiters.next));
    return true;
}

void event_wake_all(struct event *event)
{
    while (event_wake_one(event))
        continue;
}

bool event_has_waiters(const struct event *event)
{
    return !list_is_empty(&event->waiters);
}

struct group_member {
    struct fiber_group *group;
    void (*function)(void *context);
    void *context;
};

static void run_member(void *context)
{
    struct group_member member = *(struct group_member *) context;

    memory_free(context);
    member.function(member.context);
    if (--member.group->running == 0)
        event_wake_all(&member.group->ended);
}

void fiber_group_init(struct fiber_group *group, struct loop *loop)
{
    group->loop = loop;
    group->running = 0;
    event_init(&group->ended);
}

void fiber_group_start(struct fiber_group *group, void (*function)(void *context), void *context)
{
    struct group_member *member = memory_alloc(sizeof *member);

    *member = (struct group_member){ group, function, context };
    group->running++;
    fiber_start(group->loop, run_member, member);
}

bool fiber_group_wait(struct fiber_group *group, struct duration timeout, struct failure *why)
{
    struct instant end = instant_add(loop_now(group->loop), timeout);

    while (group->running > 0) {
        struct duration left = timeout;

        if (timeout.us != DURATION_FOREVER.us)
            left = instant_since(end, loop_now(group->loop));
        if (!event_wait(group->loop, &group->ended, left, why))
            return false;
    }
    return true;
}
