/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

void fd_close(int *fd)
{
    int saved = errno;

    /* Linux frees the number even when close is interrupted, so it is never called twice. */
    if (*fd >= 0)
        (void) close(*fd);
    *fd = -1;
    errno = saved;
}

int fd_take(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

static bool change_flag(int fd, int get, int set, int flag, bool is_on, struct failure *why)
{
    int flags = fcntl(fd, get);

    if (flags < 0)
        return failure_system(why, errno, "look at flags of descriptor %d", fd);
    flags = is_on ? flags | flag : flags & ~flag;
    if (fcntl(fd, set, flags) < 0)
        return failure_system(why, errno, "change flags of descriptor %d", fd);
    return true;
}

bool fd_set_nonblocking(int fd, bool is_nonblocking, struct failure *why)
{
    return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, is_nonblocking, why);
}

bool fd_set_close_on_exec(int fd, bool is_close_on_exec, struct failure *why)
{
    return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, is_close_on_exec, why);
}

bool fd_copy(int fd, int least, int *copy_out, struct failure *why)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, least);

    if (copy < 0)
        return failure_system(why, errno, "copy descriptor %d", fd);
    *copy_out = copy;
    return true;
}

bool fd_pipe(int ends_out[2], struct failure *why)
{
    if (pipe2(ends_out, O_CLOEXEC) < 0)
        return failure_system(why, errno, "make a pipe");
    return true;
}

bool fd_memory(int *fd_out, struct failure *why)
{
    int fd = memfd_create("merpati", MFD_CLOEXEC);

    if (fd < 0)
        return failure_system(why, errno, "make a file in memory");
    *fd_out = fd;
    return true;
}

bool fd_guard_standard(struct failure *why)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            return failure_system(why, errno, "open /dev/null");
    } while (fd <= 2);
    fd_close(&fd);
    return true;
}

unsigned long fd_raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        (void) getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}
