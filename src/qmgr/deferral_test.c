/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/deferral.h"

#include "os/fd.h"
#include "os/file.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/offload.h"
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

/* One active message, a file in incoming/, that is to be deferred. */
struct stage {
    struct keeper keeper;
    struct queued_message *message;
    bool is_hold_asked_for;
};

static void make_message(struct stage *stage)
{
    struct arena *arena = arena_create();
    struct active_message *active = arena_new(arena, struct active_message);
    struct queue_id id = queue_id_make(123456789, 2, false);
    char path[SPOOL_PATH_SIZE];
    struct failure why;
    int fd;

    active->arena = arena;
    active->envelope = arena_new(arena, struct envelope);
    active->activated = clock_now();
    stage->message = queue_index_add(stage->keeper.index, id, SPOOL_INCOMING);
    stage->message->active = active;
    queue_index_set_idle(stage->keeper.index, stage->message, QUEUED_ACTIVE);
    stage->keeper.active_count = 1;
    spool_path(&stage->keeper.spool, SPOOL_INCOMING, id, path);
    EXPECT(file_open(path, O_WRONLY | O_CREAT, 0600, &fd, &why));
    fd_close(&fd);
}

static void defer(void *context)
{
    struct stage *stage = context;
    struct deferral deferral = { .queue = SPOOL_DEFERRED, .next_attempt = keeper_now() + 1000 };
    struct arena *arena = arena_create();

    deferral_defer(&stage->keeper, stage->message, &deferral, arena);
    arena_destroy(&arena);
}

/* As postsuper -h of an active message does. Runs while the other fiber waits for the disk. */
static void ask_for_hold(void *context)
{
    struct stage *stage = context;

    stage->message->must_hold = stage->is_hold_asked_for;
}

static void run(void *context)
{
    struct stage *stage = context;
    struct fiber_group fibers;

    fiber_group_init(&fibers, stage->keeper.loop);
    fiber_group_start(&fibers, defer, stage);
    fiber_group_start(&fibers, ask_for_hold, stage);
    EXPECT(fiber_group_wait(&fibers, seconds(60), NULL));
}

static void expect_end(bool is_hold_asked_for, enum spool_queue queue, enum queued_state state)
{
    static const struct qmgr_settings settings;
    struct stage stage = { .is_hold_asked_for = is_hold_asked_for, .keeper.settings = &settings };
    char path[SPOOL_PATH_SIZE];
    struct failure why;

    EXPECT(chdir(unit_directory()) == 0 && spool_make_folders(&why));
    stage.keeper.loop = loop_create();
    stage.keeper.files = offload_create(stage.keeper.loop, "queue files", 1);
    stage.keeper.index = queue_index_create();
    event_init(&stage.keeper.changed);
    event_init(&stage.keeper.work);
    make_message(&stage);
    spool_path(&stage.keeper.spool, queue, stage.message->id, path);
    fiber_run(stage.keeper.loop, run, &stage);
    EXPECT_UINT(stage.message->queue, queue);
    EXPECT_UINT(stage.message->state, state);
    EXPECT_FALSE(stage.message->must_hold);
    EXPECT(unlink(path) == 0);
    queue_index_destroy(&stage.keeper.index);
    offload_destroy(&stage.keeper.files);
    loop_run(stage.keeper.loop);
    loop_destroy(&stage.keeper.loop);
    EXPECT(chdir("/") == 0);
}

TEST(a_deferred_message_waits)
{
    expect_end(false, SPOOL_DEFERRED, QUEUED_WAITING);
}

TEST(a_hold_asked_for_while_the_message_is_on_its_way_to_its_file_holds)
{
    expect_end(true, SPOOL_HOLD, QUEUED_IDLE);
}
