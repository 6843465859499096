/* SPDX-License-Identifier: Apache-2.0 */
#include "master/background.h"

#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool background_enter(int *report_out, struct failure *why)
{
    int ends[2];
    char byte;
    pid_t pid;

    if (!fd_pipe(ends, why))
        return false;
    pid = fork();
    if (pid < 0)
        return failure_system(why, errno, "go to the background");
    if (pid > 0) {
        ssize_t count;

        (void) close(ends[1]);
        do {
            count = read(ends[0], &byte, 1);
        } while (count < 0 && errno == EINTR);
        _exit(count == 1 ? 0 : 1);
    }
    (void) close(ends[0]);
    if (setsid() < 0)
        return failure_system(why, errno, "begin a session");
    *report_out = ends[1];
    return true;
}

void background_ready(int *report)
{
    int null = -1;

    (void) !file_open("/dev/null", O_RDWR, 0, &null, NULL);
    for (int fd = 0; null >= 0 && fd <= 2; fd++)
        (void) dup2(null, fd);
    if (null > 2)
        fd_close(&null);
    (void) !write(*report, "", 1);
    fd_close(report);
}
