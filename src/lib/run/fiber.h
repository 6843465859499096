/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_FIBER_H
#define RUN_FIBER_H

#include "base/failure.h"
#include "base/list.h"
#include "base/time.h"

/*
 * fiber - straight-line code that yields where it waits: a session, a delivery, a message.
 *
 * A fiber has a stack of 64 kB with a guard page: no large arrays on it (4 kB is large), no deep
 * recursion over what a peer sends. Code between two waits is atomic, so no lock is ever needed. Never
 * wait inside a callback of a library that is not ours (OpenSSL, LMDB, PCRE2, libunbound).
 * Every wait takes a timeout; DURATION_FOREVER must be meant.
 */
struct loop;

/* The fiber becomes ready now and runs when the caller waits or ends. context must live as long as it needs. */
void fiber_start(struct loop *loop, void (*function)(void *context), void *context);

/* For commands and tests: runs the loop until function, in a fiber of its own, has returned. */
void fiber_run(struct loop *loop, void (*function)(void *context), void *context);

void fiber_sleep(struct loop *loop, struct duration duration);
/* Lets all others that are ready run first, and events be collected. */
void fiber_yield(struct loop *loop);
bool fiber_is_running(const struct loop *loop);
/* Fibers that have started and not ended. */
size_t fiber_count(const struct loop *loop);

/*
 * event - what fibers wait for. It holds no state: a wake without a waiter is lost, so the pattern is
 * while (!condition) event_wait(...). May be woken from fibers, hooks and signal callbacks of the loop's
 * thread. The event must outlive its waiters.
 */
struct event {
    struct list waiters;
};

void event_init(struct event *event);
/* FAILURE_TIMEOUT when nobody woke it in time. */
MUST_USE bool event_wait(struct loop *loop, struct event *event, struct duration timeout, struct failure *why);
/* First come, first served. False if nobody waited. */
bool event_wake_one(struct event *event);
void event_wake_all(struct event *event);
bool event_has_waiters(const struct event *event);

/* fiber_group - fibers somebody waits for. Zero fibers: the wait returns at once. */
struct fiber_group {
    struct loop *loop;
    size_t running;
    struct event ended;
};

void fiber_group_init(struct fiber_group *group, struct loop *loop);
void fiber_group_start(struct fiber_group *group, void (*function)(void *context), void *context);
/* Until all have returned. */
MUST_USE bool fiber_group_wait(struct fiber_group *group, struct duration timeout, struct failure *why);

#endif
