/* SPDX-License-Identifier: Apache-2.0 */
#include "run/child.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct scene {
    struct loop *loop;
    struct arena *arena;
    struct child_command command;
    struct child_result result;
    struct failure why;
    bool has_run;
};

static void run_child(void *context)
{
    struct scene *scene = context;

    scene->has_run = child_run(scene->loop, &scene->command, scene->arena, &scene->result, &scene->why);
}

static struct scene play(struct child_command command)
{
    struct scene scene = { .loop = loop_create(), .arena = arena_create(), .command = command };

    fiber_run(scene.loop, run_child, &scene);
    loop_destroy(&scene.loop);
    return scene;
}

static struct child_command shell(const char *script)
{
    static const char *argv[4];
    static const char *const environment[] = { "PATH=/usr/bin:/bin", "COLOUR=grey", NULL };

    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = script;
    return (
        struct child_command){ .argv = argv, .environment = environment, .output_max = 100, .timeout = seconds(20) };
}

TEST(a_child_reads_its_input_and_its_output_is_captured)
{
    struct child_command command = shell("cat; echo $COLOUR $HOME >&2; exit 7");
    struct scene scene;

    command.input = STR("hello ");
    scene = play(command);
    EXPECT(scene.has_run);
    EXPECT_INT(scene.result.end, CHILD_EXITED);
    EXPECT_INT(scene.result.status, 7);
    EXPECT_STR(scene.result.output, STR("hello grey\n"));
    arena_destroy(&scene.arena);
}

TEST(a_program_is_looked_for_along_its_own_path)
{
    static const char *const words[] = { "a-program-of-its-own", NULL };
    static const char *const environment[] = { "PATH=/nonexistent", NULL };
    struct child_command command = shell("");
    struct scene scene;

    command.program = "sh";
    command.environment = environment;
    scene = play(command);
    EXPECT_FALSE(scene.has_run);
    EXPECT_TEXT(scene.why.text, "sh: No such file or directory");
    arena_destroy(&scene.arena);
    command.argv = words;
    command.environment = (const char *const[]){ "PATH=/bin", NULL };
    scene = play(command);
    EXPECT(scene.has_run);
    arena_destroy(&scene.arena);
}

TEST(a_program_may_be_called_by_another_name)
{
    static const char *const words[] = { "other", "-c", "echo $0", NULL };
    struct child_command command = shell("");
    struct scene scene;

    command.program = "/bin/sh";
    command.argv = words;
    scene = play(command);
    EXPECT(scene.has_run);
    EXPECT_STR(scene.result.output, STR("other\n"));
    arena_destroy(&scene.arena);
}

TEST(output_beyond_the_maximum_is_dropped)
{
    struct scene scene = play(shell("yes | head -c 300000"));

    EXPECT(scene.has_run);
    EXPECT_UINT(scene.result.output.len, 100);
    EXPECT(scene.result.is_output_cut);
    EXPECT_INT(scene.result.status, 0);
    arena_destroy(&scene.arena);
}

TEST(a_child_that_takes_too_long_is_killed_with_its_group)
{
    /* Who waited for one of them would not end in the time that a test has. */
    struct child_command command = shell("sleep 1000 & sleep 1000");
    struct scene scene;

    command.timeout = milliseconds(100);
    scene = play(command);
    EXPECT(scene.has_run);
    EXPECT_INT(scene.result.end, CHILD_TIMED_OUT);
    arena_destroy(&scene.arena);
}

TEST(a_child_that_ignores_its_input_is_fine)
{
    struct child_command command = shell("exit 0");
    char *much = calloc(1, 1000000);
    struct scene scene;

    command.input = str_make(much, 1000000);
    scene = play(command);
    EXPECT(scene.has_run);
    EXPECT_INT(scene.result.status, 0);
    free(much);
    arena_destroy(&scene.arena);
}

TEST(a_child_that_writes_without_end_has_its_time_and_no_more)
{
    struct child_command command = shell("exec yes");
    struct scene scene;

    command.timeout = milliseconds(200);
    scene = play(command);
    EXPECT(scene.has_run);
    EXPECT_INT(scene.result.end, CHILD_TIMED_OUT);
    EXPECT_UINT(scene.result.output.len, 100);
    arena_destroy(&scene.arena);
}

TEST(a_signal_is_told_from_an_exit)
{
    struct scene scene = play(shell("kill -9 $$"));

    EXPECT(scene.has_run);
    EXPECT_INT(scene.result.end, CHILD_SIGNALED);
    EXPECT_INT(scene.result.status, 9);
    arena_destroy(&scene.arena);
}

TEST(a_program_that_is_not_there_fails_with_its_errno)
{
    static const char *const argv[] = { "/nonexistent/program", NULL };
    struct scene scene = play((struct child_command){ .argv = argv, .timeout = seconds(10) });

    EXPECT_FALSE(scene.has_run);
    EXPECT_INT(scene.why.error, ENOENT);
    EXPECT_TEXT(scene.why.text, "/nonexistent/program: No such file or directory");
    arena_destroy(&scene.arena);
}

TEST(no_descriptor_but_the_three_is_inherited)
{
    struct scene scene;
    int careless = open("/dev/null", O_RDONLY);
    struct child_command command = shell("pwd; ls /proc/self/fd | wc -l");
    int input = open("/etc/passwd", O_RDONLY | O_CLOEXEC);

    command.directory = "/usr";
    command.input_is_fd = true;
    command.input_fd = input;
    scene = play(command);
    /* 0, 1, 2 and the directory that ls itself has opened. */
    EXPECT_STR(scene.result.output, STR("/usr\n4\n"));
    close(careless);
    close(input);
    arena_destroy(&scene.arena);
}

TEST(as_root_a_child_becomes_another_user)
{
    static const gid_t groups[] = { 65533 };
    static const struct child_identity nobody = { 65534, 65534, groups, 1 };
    struct child_command command = shell("id -u; id -G");
    struct scene scene;

    command.identity = &nobody;
    scene = play(command);
    if (geteuid() == 0)
        EXPECT_STR(scene.result.output, STR("65534\n65534 65533\n"));
    else
        EXPECT_INT(scene.why.error, EPERM);
    arena_destroy(&scene.arena);
}

TEST(output_may_go_to_a_descriptor_of_the_callers)
{
    struct child_command command = shell("echo said; echo loud >&2");
    struct scene scene;
    char text[20] = "";
    pid_t pid = -1;
    int ends[2];

    EXPECT_INT(pipe(ends), 0);
    command.output_is_fd = true;
    command.output_fd = ends[1];
    command.pid = &pid;
    scene = play(command);
    EXPECT(scene.has_run);
    EXPECT_INT(pid, 0);
    EXPECT_STR(scene.result.output, STR_EMPTY);
    EXPECT_INT(read(ends[0], text, sizeof text - 1), 10);
    EXPECT_TEXT(text, "said\nloud\n");
    close(ends[0]);
    close(ends[1]);
    arena_destroy(&scene.arena);
}

TEST(a_directory_that_is_not_there_is_named)
{
    struct child_command command = shell("true");
    struct scene scene;

    command.directory = "/nonexistent";
    scene = play(command);
    EXPECT_FALSE(scene.has_run);
    EXPECT_INT(scene.why.kind, FAILURE_CONFIGURATION);
    EXPECT(str_starts_with(str_from_c(scene.why.text), STR("cannot change directory to \"/nonexistent\" for uid=")));
    arena_destroy(&scene.arena);
    command.directory = NULL;
    command.root = "/nonexistent";
    scene = play(command);
    EXPECT_FALSE(scene.has_run);
    EXPECT(str_starts_with(str_from_c(scene.why.text), STR("chroot(/nonexistent): ")));
    arena_destroy(&scene.arena);
}
