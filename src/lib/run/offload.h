/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_OFFLOAD_H
#define RUN_OFFLOAD_H

#include "base/failure.h"
#include "base/time.h"

/*
 * offload - runs what blocks (NSS, network tables, many file creations) on libuv's threads while the fiber waits.
 *
 * One struct offload stands for one back end and bounds its calls at one time, so that a back end that hangs
 * does not take the threads of the others. Syncs do not belong here: see worker.
 *
 * The context: heap memory that function works on, in another thread, so it must not touch anything of the
 * loop, nor an arena that the loop's side uses meanwhile. If offload_run returns true it is the caller's
 * again; if false (timed out, queue too long) offload has taken it and calls release when the work has ended.
 */
struct loop;
struct offload;

/* At most limit calls run at one time; others wait their turn within their timeout. */
struct offload *offload_create(struct loop *loop, const char *name, unsigned limit);
/* Nobody may be waiting; abandoned work ends by itself. Leaves *offload NULL. */
void offload_destroy(struct offload **offload);

MUST_USE bool offload_run(struct offload *offload, void (*function)(void *context), void *context,
                          void (*release)(void *context), struct duration timeout, struct failure *why);

#endif
