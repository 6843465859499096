/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_LOOP_PRIVATE_H
#define RUN_LOOP_PRIVATE_H

#include "base/list.h"
#include "run/loop.h"
#include "run/stack.h"
#include "run/timer.h"

#include <uv.h>

/* loop_private - what the parts of run share: the loop's struct, parking and waking of fibers, pooled buffers. */
struct fiber;

struct loop_hook {
    struct list link;
    void (*function)(void *context);
    void *context;
};

struct loop_signal {
    struct list link;
    uv_signal_t uv;
    void (*function)(void *context);
    void *context;
};

enum {
    LOOP_BUFFER_SIZE = 16 * 1024,
    LOOP_BUFFERS = 64, /* kept for use again */
};

struct loop {
    uv_loop_t uv;
    uv_timer_t uv_timer; /* stands for the first of timers */
    struct timer_heap timers;
    struct instant now;
    struct instant armed; /* when uv_timer fires, INT64_MAX: not */
    struct list ready;
    struct fiber *current;
    size_t fiber_count;
    size_t work_count;  /* in threads */
    void *home_context; /* the loop's own stack */
    void *home_fake_stack;
    const void *home_bottom;
    size_t home_size;
    struct stack_pool stacks;
    struct list hooks;
    struct list signals;
    char *buffers[LOOP_BUFFERS];
    size_t buffer_count;
    bool is_stopped;
    bool has_run; /* something, this turn */
};

/* LOOP_BUFFER_SIZE bytes. */
char *loop_buffer_get(struct loop *loop);
void loop_buffer_put(struct loop *loop, char *buffer);

/*
 * fiber_park gives the processor away until fiber_unpark or the timeout, in a queue if one is given
 * (unparking takes it out). True if it was unparked, false if time ran out.
 */
bool fiber_park(struct loop *loop, struct list *queue, struct duration timeout);
void fiber_unpark(struct fiber *fiber);
struct fiber *fiber_current(struct loop *loop);
/* Of the link that fiber_park put into a queue. */
struct fiber *fiber_from_link(struct list *link);

/* For loop.c: runs those that are ready now. */
void fiber_run_ready(struct loop *loop);
/* The fiber's time is over. */
void fiber_timer_fired(struct timer *timer);

#endif
