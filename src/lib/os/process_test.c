/* SPDX-License-Identifier: Apache-2.0 */
#include "os/process.h"

#include "os/fd.h"
#include "os/file.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

static int run_shell(const char *script, const struct process_fd *fds, size_t fd_count)
{
    char *arguments[] = { "sh", "-c", (char *) (uintptr_t) script, NULL };
    const struct process_start start = { .path = "sh", .arguments = arguments, .fds = fds, .fd_count = fd_count };
    pid_t pid;
    int status;

    EXPECT(process_start(&start, &pid, NULL));
    EXPECT(process_wait(pid, &status, NULL));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(a_program_that_is_not_there_is_a_failure_here)
{
    char *arguments[] = { "x", NULL };
    const struct process_start start = { .path = "/nowhere/at/all", .arguments = arguments };
    struct failure why;
    pid_t pid;

    EXPECT_FALSE(process_start(&start, &pid, &why));
    EXPECT_INT(why.error, ENOENT);
}

TEST(a_child_has_the_descriptors_named_and_no_others)
{
    int ends[2], spare = -1;
    struct process_fd fds[2];
    char data[100];
    size_t count;

    EXPECT(fd_pipe(ends, NULL));
    EXPECT(fd_copy(ends[0], 20, &spare, NULL));
    EXPECT(fd_set_close_on_exec(spare, false, NULL));
    /* Crossed over, so that a move done too early would destroy the other. */
    fds[0] = (struct process_fd){ ends[1], ends[0] };
    fds[1] = (struct process_fd){ ends[0], ends[1] };
    snprintf(data, sizeof data, "echo hi >&%d; test ! -e /proc/self/fd/20", ends[0]);
    EXPECT_INT(run_shell(data, fds, 2), 0);
    EXPECT(file_read(ends[0], "pipe", data, sizeof data, &count, NULL));
    EXPECT_STR(str_make(data, count), STR("hi\n"));
    fd_close(&spare);
    fd_close(&ends[0]);
    fd_close(&ends[1]);
}

TEST(an_end_is_told_in_words)
{
    char text[64];

    process_status_text(run_shell("exit 3", NULL, 0) << 8, text, sizeof text);
    EXPECT_TEXT(text, "exit status 3");
    process_status_text(9, text, sizeof text);
    EXPECT_TEXT(text, "killed by signal 9");
}
