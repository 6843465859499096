/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/handover.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one that comes, in an empty queue directory; what one that goes leaves there is made by the test. */
struct stage {
    struct keeper keeper;
    int mark; /* as a courier holds it */
    bool has_waited;
    void (*play)(struct stage *stage);
};

static void show_mark(void)
{
    struct failure why;
    int fd;

    EXPECT(file_open(QMGR_UNCLEAN_MARK, O_WRONLY | O_CREAT, 0600, &fd, &why));
    fd_close(&fd);
}

static void begin_carrying(struct stage *stage)
{
    struct failure why;

    EXPECT(file_open(QMGR_UNCLEAN_MARK, O_RDWR, 0, &stage->mark, &why));
    EXPECT(lock_try(stage->mark, QMGR_UNCLEAN_MARK, LOCK_STYLE_DESCRIPTION, LOCK_SHARED, &why));
}

static void end_carrying(struct stage *stage)
{
    fd_close(&stage->mark);
}

static void run(void *context)
{
    struct stage *stage = context;

    stage->play(stage);
}

static void play(void (*function)(struct stage *stage))
{
    struct stage *stage = memory_alloc(sizeof *stage);

    EXPECT(chdir(unit_directory()) == 0 && (mkdir("journal", 0700) == 0 || access("journal", W_OK) == 0));
    (void) unlink(QMGR_UNCLEAN_MARK);
    stage->play = function;
    stage->mark = -1;
    stage->keeper.loop = loop_create();
    stage->keeper.files = offload_create(stage->keeper.loop, "queue files", 1);
    event_init(&stage->keeper.changed);
    event_init(&stage->keeper.work);
    fiber_run(stage->keeper.loop, run, stage);
    offload_destroy(&stage->keeper.files);
    loop_run(stage->keeper.loop);
    loop_destroy(&stage->keeper.loop);
    end_carrying(stage);
    EXPECT(chdir("/") == 0);
    memory_free(stage);
}

static void look(struct stage *stage)
{
    int second;
    struct failure why;

    EXPECT_FALSE(handover_is_under_way(&stage->keeper));
    /* One that died left its mark, and carries nothing. */
    show_mark();
    EXPECT_FALSE(handover_is_under_way(&stage->keeper));
    begin_carrying(stage);
    EXPECT(handover_is_under_way(&stage->keeper));
    /* To have looked is no presence, and does not end the other's. */
    EXPECT(handover_is_under_way(&stage->keeper));
    EXPECT(file_open(QMGR_UNCLEAN_MARK, O_RDWR, 0, &second, &why));
    EXPECT(lock_try(second, QMGR_UNCLEAN_MARK, LOCK_STYLE_DESCRIPTION, LOCK_SHARED, &why));
    end_carrying(stage);
    EXPECT(handover_is_under_way(&stage->keeper));
    fd_close(&second);
    EXPECT_FALSE(handover_is_under_way(&stage->keeper));
}

TEST(somebody_carries_as_long_as_one_holds_the_mark)
{
    play(look);
}

static void wait_for_nobody(struct stage *stage)
{
    EXPECT_FALSE(stage->keeper.hears_couriers);
    show_mark();
    /* As long as it may take: it must not. */
    handover_wait(&stage->keeper, DURATION_FOREVER);
    EXPECT(stage->keeper.hears_couriers);
}

TEST(where_nobody_carries_nobody_is_waited_for)
{
    play(wait_for_nobody);
}

static void wait_in_fiber(void *context)
{
    struct stage *stage = context;

    handover_wait(&stage->keeper, seconds(3600));
    stage->has_waited = true;
}

static void wait_for_one(struct stage *stage)
{
    struct fiber_group fibers;

    show_mark();
    begin_carrying(stage);
    fiber_group_init(&fibers, stage->keeper.loop);
    fiber_group_start(&fibers, wait_in_fiber, stage);
    while (!stage->keeper.hears_couriers)
        fiber_sleep(stage->keeper.loop, milliseconds(1));
    /* That somebody has something to tell is not that he has told it. */
    stage->keeper.couriers = 1;
    event_wake_all(&stage->keeper.changed);
    fiber_sleep(stage->keeper.loop, milliseconds(300));
    EXPECT_FALSE(stage->has_waited);
    stage->keeper.couriers_heard = 1;
    event_wake_all(&stage->keeper.changed);
    EXPECT(fiber_group_wait(&fibers, seconds(60), NULL));
    EXPECT(stage->has_waited);
}

TEST(one_that_carries_is_waited_for_until_he_has_told)
{
    play(wait_for_one);
}

static void wait_in_vain(struct stage *stage)
{
    show_mark();
    begin_carrying(stage);
    handover_wait(&stage->keeper, milliseconds(10));
    EXPECT(stage->keeper.hears_couriers);
    EXPECT_UINT(stage->keeper.couriers_heard, 0);
}

TEST(one_that_says_nothing_is_not_waited_for_forever)
{
    play(wait_in_vain);
}
