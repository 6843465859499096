/* SPDX-License-Identifier: Apache-2.0 */
#include "os/watchdog.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXPIRED = 7, LIVED = 8 };

static void end(int signal)
{
    (void) signal;
    _exit(EXPIRED);
}

/* Hangs in its turn. */
static void hang(int signal)
{
    (void) signal;
    watchdog_feed(seconds(1));
    for (;;)
        continue;
}

static void spin(void)
{
    for (;;)
        continue;
}

static void feed(void)
{
    for (int i = 0; i < 4; i++) {
        watchdog_feed(seconds(60));
        usleep(300000);
    }
    _exit(LIVED);
}

static void rest(void)
{
    watchdog_rest();
    usleep(1200000);
    _exit(LIVED);
}

static void rest_and_spin(void)
{
    watchdog_rest();
    watchdog_feed(seconds(1));
    spin();
}

/* The status of a child that starts a watchdog of one second. */
static int run(void (*expired)(int signal), void (*play)(void))
{
    pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        watchdog_start(seconds(1), expired);
        play();
    }
    EXPECT(waitpid(pid, &status, 0) == pid);
    return status;
}

TEST(a_process_that_does_not_get_on_is_ended)
{
    int status = run(end, spin);

    EXPECT(WIFEXITED(status));
    EXPECT_INT(WEXITSTATUS(status), EXPIRED);
}

TEST(one_that_hangs_while_it_ends_is_killed)
{
    int status = run(hang, spin);

    EXPECT(WIFSIGNALED(status));
    EXPECT_INT(WTERMSIG(status), SIGALRM);
}

TEST(one_that_feeds_it_or_lets_it_rest_lives)
{
    EXPECT_INT(WEXITSTATUS(run(end, feed)), LIVED);
    EXPECT_INT(WEXITSTATUS(run(end, rest)), LIVED);
}

TEST(after_a_rest_it_ends_a_process_as_before)
{
    EXPECT_INT(WEXITSTATUS(run(end, rest_and_spin)), EXPIRED);
}
