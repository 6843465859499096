/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "base/failure.h"
#include "base/time.h"

/*
 * worker - one thread of its own that does jobs in the order given, for syncs: they never stand behind
 * lookups. The fiber that gives a job waits for its end. The rules for context and release are those of
 * offload: after false, the worker owns context and calls release when the job has ended or was never begun.
 */
struct loop;
struct worker;

/* The thread starts here: before seccomp closes the door. */
struct worker *worker_create(struct loop *loop, const char *name);
/* Does what is queued, then ends the thread and waits for that. Nobody may be waiting. Leaves *worker NULL. */
void worker_destroy(struct worker **worker);

MUST_USE bool worker_run(struct worker *worker, void (*function)(void *context), void *context,
                         void (*release)(void *context), struct duration timeout, struct failure *why);

#endif
