/* SPDX-License-Identifier: Apache-2.0 */
#include "os/process.h"

#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/seccomp.h"
#include "os/signals.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* Runs function in a child, which must leave root and filters behind, and gives its exit status. */
static int run_apart(int (*function)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(function());
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

static int drop_and_look(void)
{
    if (!privilege_drop(65534, 65534, NULL) || getuid() != 65534 || getegid() != 65534)
        return 1;
    return setuid(0) == 0 || getgroups(0, NULL) > 1 ? 2 : 0;
}

static int borrow_and_return(void)
{
    if (!privilege_borrow(65534, 65534, NULL) || geteuid() != 65534 || access("/", F_OK) != 0)
        return 1;
    return privilege_restore(NULL) && geteuid() == 0 ? 0 : 2;
}

TEST(privileges_given_up_are_gone)
{
    if (!privilege_is_root()) {
        struct failure why;

        EXPECT(privilege_drop(geteuid(), getegid(), &why));
        EXPECT_FALSE(privilege_drop(0, 0, &why));
        return;
    }
    EXPECT_INT(run_apart(drop_and_look), 0);
    EXPECT_INT(run_apart(borrow_and_return), 0);
}

static bool can_make_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_made = fd >= 0;

    fd_close(&fd);
    return is_made;
}

static int enter_queue(void)
{
    bool is_active;

    if (!privilege_forbid_new(NULL) || !seccomp_enter("queue", &is_active, NULL))
        return 1;
    if (!is_active)
        return 0;
    if (can_make_socket(AF_INET) || !can_make_socket(AF_UNIX))
        return 2;
    return execl("/bin/true", "true", (char *) NULL) < 0 && errno == EPERM ? 0 : 3;
}

static int enter_network(void)
{
    bool is_active;

    if (!privilege_forbid_new(NULL) || !seccomp_enter("network", &is_active, NULL))
        return 1;
    if (!is_active)
        return 0;
    if (!can_make_socket(AF_INET) || can_make_socket(AF_PACKET))
        return 2;
    return unlink("/nowhere/at/all") < 0 && errno == EPERM ? 0 : 3;
}

static int be_killed(void)
{
    bool is_active;

    if (setenv("MERPATI_SECCOMP", "kill", 1) < 0 || !privilege_forbid_new(NULL) ||
        !seccomp_enter("queue", &is_active, NULL))
        return 1;
    (void) can_make_socket(AF_INET);
    return is_active ? 2 : 1000 + SIGSYS;
}

static int enter_unknown(void)
{
    bool is_active;

    return seccomp_enter("nothing", &is_active, NULL) ? 1 : 0;
}

TEST(profiles_refuse_what_is_not_on_their_list)
{
    EXPECT_INT(run_apart(enter_queue), 0);
    EXPECT_INT(run_apart(enter_network), 0);
    EXPECT_INT(run_apart(be_killed), 1000 + SIGSYS);
    EXPECT_INT(run_apart(enter_unknown), 0);
}

TEST(signals_are_told_by_a_descriptor)
{
    static const int numbers[] = { SIGUSR1 };
    int fd = -1;

    EXPECT(signals_open(numbers, 1, &fd, NULL));
    EXPECT_INT(signals_next(fd), 0);
    EXPECT(raise(SIGUSR1) == 0);
    EXPECT_INT(signals_next(fd), SIGUSR1);
    fd_close(&fd);
}

TEST(the_environment_holds_what_the_rules_say)
{
    struct arena *arena = arena_create();
    struct strlist rules = { 0 };
    char **result;

    EXPECT(setenv("UNIT_KEPT", "1", 1) == 0);
    EXPECT(setenv("UNIT_DROPPED", "2", 1) == 0);
    strlist_add(&rules, arena, STR("UNIT_KEPT"));
    strlist_add(&rules, arena, STR("UNIT_UNSET"));
    strlist_add(&rules, arena, STR("UNIT_GIVEN=a=b"));
    result = environment_export(arena, &rules);
    EXPECT_TEXT(result[0], "UNIT_KEPT=1");
    EXPECT_TEXT(result[1], "UNIT_GIVEN=a=b");
    EXPECT(result[2] == NULL);
    arena_destroy(&arena);
}
