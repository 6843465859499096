/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_LOOP_H
#define RUN_LOOP_H

#include "base/time.h"

/*
 * loop - the one event loop of a process or of a test, on libuv, run by one thread.
 *
 * It is passed explicitly to all that waits and is never global. A turn is: collect events, run each
 * fiber that became ready, run the hooks, sleep until the next event. Callbacks of signals and
 * hooks run outside of any fiber and must not wait; they may start fibers and wake events.
 */
struct loop;
struct uv_loop_s;

struct loop *loop_create(void);
/*
 * Every stream, listener and worker must have been destroyed, and every fiber have ended or be about to: those that
 * are ready still run. Leaves *loop NULL.
 */
void loop_destroy(struct loop **loop);
/* Whether no stream, listener, worker, offloaded work or fiber is left: loop_destroy may be called. */
bool loop_is_unused(struct loop *loop);
/* Whether a thread has work of an offload in hand, abandoned or not: exit() would wait for it. */
bool loop_has_work(const struct loop *loop);

/* Runs until loop_stop, or until no fiber is ready and nothing is awaited that could make one ready. */
void loop_run(struct loop *loop);
/* Ends loop_run after the current turn. */
void loop_stop(struct loop *loop);

/* Monotonic time as of this turn, for deadlines: cheap, and compares with clock_monotonic. */
struct instant loop_now(const struct loop *loop);

/* Calls function in the loop, outside of fibers, whenever the signal arrives. One function a signal. */
void loop_on_signal(struct loop *loop, int signal_number, void (*function)(void *context), void *context);

/*
 * Calls function at the end of each turn in which anything ran, before the loop sleeps: what gathers
 * work of a turn (log lines, notices) sends it here. Removing takes the same pair; a hook may remove itself.
 */
void loop_add_hook(struct loop *loop, void (*function)(void *context), void *context);
void loop_remove_hook(struct loop *loop, void (*function)(void *context), void *context);

/* For libraries that bring their own libuv or event glue (dns). */
struct uv_loop_s *loop_uv(struct loop *loop);

#endif
