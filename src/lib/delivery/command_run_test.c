/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_run.h"

#include "base/strlist.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/stream.h"
#include "unit.h"

struct scene {
    const char *program;
    const char *script;
    struct command_feed feed;
    struct loop *loop;
    struct arena *arena;
    struct child_result result;
    struct failure why;
    bool has_run;
};

static void run(void *context)
{
    struct scene *scene = context;
    const char *const argv[] = { scene->program, "-c", scene->script, NULL };
    static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };
    struct child_command command = {
        .argv = argv, .environment = environment, .output_max = 100, .timeout = seconds(20)
    };

    scene->has_run = command_run(scene->loop, &command, &scene->feed, scene->arena, &scene->result, &scene->why);
}

static struct scene play_scene(struct scene scene)
{
    scene.loop = loop_create();
    scene.arena = arena_create();
    fiber_run(scene.loop, run, &scene);
    loop_destroy(&scene.loop);
    return scene;
}

static struct scene play(const char *script, bool (*write)(struct stream *, void *, struct failure *))
{
    return play_scene((struct scene){ .program = "sh", .script = script, .feed = { write, NULL } });
}

static bool write_hello(struct stream *input, void *context, struct failure *why)
{
    (void) context;
    (void) why;
    (void) !stream_write(input, STR("hello\n"), NULL);
    return true;
}

static bool write_much(struct stream *input, void *context, struct failure *why)
{
    bool is_open = true;

    for (int i = 0; is_open && i < 100000; i++)
        is_open = write_hello(input, context, why) && stream_flush(input, NULL);
    return true;
}

static bool write_half(struct stream *input, void *context, struct failure *why)
{
    (void) context;
    (void) !stream_write(input, STR("half"), NULL);
    (void) !stream_flush(input, NULL);
    return failure_set(why, FAILURE_RETRY, 0, "the other half is gone");
}

TEST(a_command_reads_what_it_is_fed)
{
    struct scene scene = play("cat; exit 3", write_hello);

    EXPECT(scene.has_run);
    EXPECT_INT(scene.result.status, 3);
    EXPECT_STR(scene.result.output, STR("hello\n"));
    arena_destroy(&scene.arena);
}

TEST(a_command_that_reads_nothing_is_no_failure)
{
    struct scene scene = play("exit 4", write_much);

    EXPECT(scene.has_run);
    EXPECT_INT(scene.result.status, 4);
    arena_destroy(&scene.arena);
}

TEST(a_command_never_sees_the_end_of_half_a_message)
{
    struct scene scene = play("cat >/dev/null; sleep 1; echo whole", write_half);

    EXPECT_FALSE(scene.has_run);
    EXPECT_TEXT(scene.why.text, "the other half is gone");
    arena_destroy(&scene.arena);
}

TEST(a_command_that_cannot_start_is_a_failure_and_nobody_waits_for_its_reader)
{
    struct scene scene = { .program = "/nonexistent", .feed = { write_much, NULL } };

    scene = play_scene(scene);
    EXPECT_FALSE(scene.has_run);
    EXPECT_TEXT(scene.why.text, "/nonexistent: No such file or directory");
    arena_destroy(&scene.arena);
}
