/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"

#include "unit.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child says on standard error, and how it ends. */
static int run_child(bool holds, char *said, size_t room)
{
    int ends[2];
    ssize_t count;
    int status;
    pid_t child;

    EXPECT(pipe(ends) == 0);
    child = fork();
    if (child == 0) {
        struct rlimit no_core = { 0, 0 };

        setrlimit(RLIMIT_CORE, &no_core);
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        CHECK(holds);
        _exit(7);
    }
    close(ends[1]);
    count = read(ends[0], said, room - 1);
    said[count > 0 ? count : 0] = '\0';
    close(ends[0]);
    EXPECT(waitpid(child, &status, 0) == child);
    return status;
}

TEST(a_check_that_holds_does_nothing)
{
    char said[200];
    int status = run_child(true, said, sizeof(said));

    EXPECT(WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), 7);
    EXPECT_TEXT(said, "");
}

TEST(a_check_that_fails_says_where_and_aborts)
{
    char said[200];
    int status = run_child(false, said, sizeof(said));

    EXPECT(WIFSIGNALED(status));
    EXPECT_INT(WTERMSIG(status), SIGABRT);
    EXPECT(strstr(said, "check_test.c:") != NULL);
    EXPECT(strstr(said, ": check failed: holds\n") != NULL);
}
