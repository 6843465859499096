/* SPDX-License-Identifier: Apache-2.0 */
#include "os/watchdog.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* The signal is at its default while expired runs: a second one that comes is the end. */
void watchdog_start(struct duration time, void (*expired)(int signal))
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = expired;
    action.sa_flags = (int) SA_RESETHAND | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    watchdog_feed(time);
}

void watchdog_feed(struct duration time)
{
    int64_t seconds = time.us / 1000000;

    alarm(seconds < 1 ? 1 : seconds > 1000000000 ? 1000000000 : (unsigned) seconds);
}

void watchdog_rest(void)
{
    alarm(0);
}
