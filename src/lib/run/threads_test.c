/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"
#include "run/worker.h"
#include "unit.h"

#include <pthread.h>
#include <semaphore.h>

struct scene {
    struct loop *loop;
    struct offload *offload;
    struct worker *worker;
    struct fiber_group group;
    sem_t gate;
    pthread_t loop_thread;
    int running;
    int most;
    int released;
    int order[10];
    int count;
};

static struct scene scene;

static void setup(void)
{
    scene = (struct scene){ .loop = loop_create(), .loop_thread = pthread_self() };
    sem_init(&scene.gate, 0, 0);
    fiber_group_init(&scene.group, scene.loop);
}

static void release(void *context)
{
    (void) context;
    scene.released++;
}

static void block_briefly(void *context)
{
    struct timespec pause = { 0, 2000000 };
    int now = __atomic_add_fetch(&scene.running, 1, __ATOMIC_SEQ_CST);

    (void) context;
    if (now > scene.most)
        scene.most = now;
    nanosleep(&pause, NULL);
    __atomic_sub_fetch(&scene.running, 1, __ATOMIC_SEQ_CST);
    *(bool *) context = !pthread_equal(pthread_self(), scene.loop_thread);
}

static void offload_one(void *context)
{
    bool was_elsewhere = false;

    (void) context;
    EXPECT(offload_run(scene.offload, block_briefly, &was_elsewhere, release, seconds(20), NULL));
    EXPECT(was_elsewhere);
}

static void offload_many(void *context)
{
    (void) context;
    scene.offload = offload_create(scene.loop, "test", 2);
    for (int i = 0; i < 8; i++)
        fiber_group_start(&scene.group, offload_one, NULL);
    EXPECT(fiber_group_wait(&scene.group, seconds(20), NULL));
    offload_destroy(&scene.offload);
}

TEST(offload_runs_elsewhere_and_never_more_than_its_limit)
{
    setup();
    fiber_run(scene.loop, offload_many, NULL);
    EXPECT_INT(scene.most, 2);
    EXPECT_INT(scene.released, 0);
    loop_destroy(&scene.loop);
}

static void hang(void *context)
{
    (void) context;
    sem_wait(&scene.gate);
}

static void offload_that_hangs(void *context)
{
    struct failure why;

    (void) context;
    scene.offload = offload_create(scene.loop, "ldap:example", 1);
    EXPECT_FALSE(offload_run(scene.offload, hang, NULL, release, milliseconds(5), &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    EXPECT_INT(scene.released, 0);
    EXPECT_FALSE(offload_run(scene.offload, hang, NULL, release, milliseconds(5), &why));
    EXPECT_TEXT(why.text, "ldap:example: timed out waiting for a turn");
    EXPECT_INT(scene.released, 1);
    offload_destroy(&scene.offload);
    sem_post(&scene.gate);
}

TEST(a_hanging_back_end_is_left_behind_with_its_memory)
{
    setup();
    fiber_run(scene.loop, offload_that_hangs, NULL);
    loop_run(scene.loop);
    EXPECT_INT(scene.released, 2);
    loop_destroy(&scene.loop);
}

static void note_order(void *context)
{
    scene.order[scene.count++] = *(int *) context;
}

static void give_job(void *context)
{
    EXPECT(worker_run(scene.worker, note_order, context, release, seconds(20), NULL));
}

static void give_jobs(void *context)
{
    int numbers[5] = { 0, 1, 2, 3, 4 };
    struct failure why;

    (void) context;
    scene.worker = worker_create(scene.loop, "sync");
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++)
        fiber_group_start(&scene.group, give_job, &numbers[i]);
    EXPECT(fiber_group_wait(&scene.group, seconds(20), NULL));
    EXPECT_FALSE(worker_run(scene.worker, hang, NULL, release, milliseconds(5), &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    sem_post(&scene.gate);
    worker_destroy(&scene.worker);
}

TEST(a_worker_does_its_jobs_in_order_and_all_of_them)
{
    setup();
    fiber_run(scene.loop, give_jobs, NULL);
    EXPECT_INT(scene.count, 5);
    for (int i = 0; i < 5; i++)
        EXPECT_INT(scene.order[i], i);
    EXPECT_INT(scene.released, 1);
    loop_destroy(&scene.loop);
}
