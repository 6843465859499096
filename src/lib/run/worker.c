/* SPDX-License-Identifier: Apache-2.0 */
#include "run/worker.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/fiber.h"
#include "run/loop_private.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

struct job {
    struct list link;
    void (*function)(void *context);
    void (*release)(void *context);
    void *context;
    struct fiber *waiter; /* the loop's side only; NULL once it has given up */
    bool has_ended;
};

struct worker {
    struct loop *loop;
    uv_async_t *async; /* freed by its own close callback */
    pthread_t thread;
    unsigned unfinished; /* the loop's side only */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wanted;
    struct list todo;
    struct list done;
    bool is_stopping;
};

static void work(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        struct job *job;

        while (list_is_empty(&worker->todo) && !worker->is_stopping)
            pthread_cond_wait(&worker->wanted, &worker->lock);
        if (list_is_empty(&worker->todo))
            break;
        job = CONTAINER_OF(worker->todo.next, struct job, link);
        list_remove(&job->link);
        pthread_mutex_unlock(&worker->lock);
        job->function(job->context);
        pthread_mutex_lock(&worker->lock);
        list_append(&worker->done, &job->link);
        pthread_mutex_unlock(&worker->lock);
        uv_async_send(worker->async);
        pthread_mutex_lock(&worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
}

static void *thread_main(void *context)
{
    work(context);
    return NULL;
}

static void finish_jobs(struct worker *worker)
{
    for (;;) {
        struct job *job = NULL;

        pthread_mutex_lock(&worker->lock);
        if (!list_is_empty(&worker->done)) {
            job = CONTAINER_OF(worker->done.next, struct job, link);
            list_remove(&job->link);
        }
        pthread_mutex_unlock(&worker->lock);
        if (job == NULL)
            return;
        if (--worker->unfinished == 0)
            uv_unref((uv_handle_t *) worker->async);
        if (job->waiter != NULL) {
            job->has_ended = true;
            fiber_unpark(job->waiter);
            continue;
        }
        job->release(job->context);
        memory_free(job);
    }
}

static void jobs_done(uv_async_t *async)
{
    finish_jobs(async->data);
}

/* The process's signals are the loop's business. */
static int start_thread(struct worker *worker, const char *name)
{
    char short_name[16]; /* what the kernel takes */
    sigset_t all;
    sigset_t old;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    error = pthread_create(&worker->thread, NULL, thread_main, worker);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    snprintf(short_name, sizeof short_name, "%.15s", name);
    if (error == 0)
        (void) pthread_setname_np(worker->thread, short_name);
    return error;
}

struct worker *worker_create(struct loop *loop, const char *name)
{
    struct worker *worker = memory_alloc(sizeof *worker);

    worker->loop = loop;
    worker->async = memory_alloc(sizeof *worker->async);
    worker->async->data = worker;
    list_init(&worker->todo);
    list_init(&worker->done);
    CHECK(pthread_mutex_init(&worker->lock, NULL) == 0);
    CHECK(pthread_cond_init(&worker->wanted, NULL) == 0);
    CHECK(uv_async_init(&loop->uv, worker->async, jobs_done) == 0);
    uv_unref((uv_handle_t *) worker->async);
    CHECK(start_thread(worker, name) == 0);
    return worker;
}

static void async_closed(uv_handle_t *handle)
{
    memory_free(handle);
}

void worker_destroy(struct worker **pointer)
{
    struct worker *worker = *pointer;

    if (worker == NULL)
        return;
    *pointer = NULL;
    pthread_mutex_lock(&worker->lock);
    worker->is_stopping = true;
    pthread_cond_signal(&worker->wanted);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    finish_jobs(worker);
    uv_close((uv_handle_t *) worker->async, async_closed);
    pthread_mutex_destroy(&worker->lock);
    pthread_cond_destroy(&worker->wanted);
    memory_free(worker);
}

static void give(struct worker *worker, struct job *job)
{
    if (worker->unfinished++ == 0)
        uv_ref((uv_handle_t *) worker->async);
    pthread_mutex_lock(&worker->lock);
    list_append(&worker->todo, &job->link);
    pthread_mutex_unlock(&worker->lock);
    /* Not under the lock, where the thread would wake only to wait for it. */
    pthread_cond_signal(&worker->wanted);
}

bool worker_run(struct worker *worker, void (*function)(void *context), void *context, void (*release)(void *context),
                struct duration timeout, struct failure *why)
{
    struct job *job = memory_alloc(sizeof *job);

    job->function = function;
    job->release = release;
    job->context = context;
    job->waiter = fiber_current(worker->loop);
    give(worker, job);
    (void) fiber_park(worker->loop, NULL, timeout);
    if (job->has_ended) {
        memory_free(job);
        return true;
    }
    job->waiter = NULL;
    return failure_set(why, FAILURE_TIMEOUT, 0, "timed out");
}
