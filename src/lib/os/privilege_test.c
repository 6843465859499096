/* SPDX-License-Identifier: Apache-2.0 */
#include "os/privilege.h"

#include "os/process.h"
#include "unit.h"

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

static int drop_and_look(void)
{
    if (!privilege_drop(65534, 65534, NULL) || getuid() != 65534 || getegid() != 65534)
        return 1;
    return setuid(0) == 0 || getgroups(0, NULL) > 1 ? 2 : 0;
}

static int borrow_and_return(void)
{
    gid_t group;

    if (!privilege_borrow(65534, 65534, NULL) || geteuid() != 65534 || access("/", F_OK) != 0)
        return 1;
    if (!privilege_restore(NULL) || geteuid() != 0 || getegid() != 0)
        return 2;
    /* Nothing of the one before is left to the next. */
    if (!privilege_borrow(65533, 65532, NULL) || getegid() != 65532 || getgroups(1, &group) != 1 || group != 65532)
        return 3;
    return privilege_restore(NULL) && geteuid() == 0 && getegid() == 0 ? 0 : 4;
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
