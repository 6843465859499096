/* SPDX-License-Identifier: Apache-2.0 */
#include "master/instance_lock.h"

#include "base/arena.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The place that "merpati status" and Postfix's own tools look at. */
static const char pid_file[] = "pid/master.pid";

static bool acquire(const char *path, int *fd_out, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    char text[32];
    int len = snprintf(text, sizeof text, "%*d\n", 10, (int) getpid());

    if (!file_open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644, &fd, why))
        return false;
    if (!lock_try(fd, path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, why)) {
        if (why->error == EAGAIN)
            return failure_set(why, FAILURE_RETRY, EAGAIN, "open lock file %s: unable to set exclusive lock", path);
        return false;
    }
    if (!file_set_mode(fd, path, 0644, why) || !file_truncate(fd, path, 0, why) ||
        !file_write_at(fd, path, str_make(text, (size_t) len), 0, why))
        return false;
    *fd_out = fd_take(&fd);
    return true;
}

bool instance_lock_acquire(struct instance_lock *lock, struct str data_directory, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const char *data_path = arena_c(arena, arena_printf(arena, "%.*s/master.lock", STR_ARG(data_directory)));

    *lock = (struct instance_lock){ -1, -1 };
    if (acquire(pid_file, &lock->queue_fd, why) && acquire(data_path, &lock->data_fd, why))
        return true;
    fd_close(&lock->queue_fd);
    return false;
}

void instance_lock_release(struct instance_lock *lock)
{
    fd_close(&lock->queue_fd);
    fd_close(&lock->data_fd);
}
