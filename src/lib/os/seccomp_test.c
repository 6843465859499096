/* SPDX-License-Identifier: Apache-2.0 */
#include "os/seccomp.h"

#include "os/fd.h"
#include "os/privilege.h"
#include "os/process.h"
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

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
