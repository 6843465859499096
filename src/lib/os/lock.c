/* SPDX-License-Identifier: Apache-2.0 */
#include "os/lock.h"

#include "base/arena.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

static int take(int fd, enum lock_style style, enum lock_mode mode)
{
    struct flock lock = {
        .l_type = (short) (mode == LOCK_SHARED ? F_RDLCK : F_WRLCK),
        .l_whence = SEEK_SET,
    };

    if (style == LOCK_STYLE_FLOCK)
        return flock(fd, (mode == LOCK_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB);
    return fcntl(fd, F_OFD_SETLK, &lock);
}

bool lock_try(int fd, const char *name, enum lock_style style, enum lock_mode mode, struct failure *why)
{
    int result;

    do {
        result = take(fd, style, mode);
    } while (result < 0 && errno == EINTR);
    if (result == 0)
        return true;
    if (errno == EACCES || errno == EWOULDBLOCK)
        return failure_set(why, FAILURE_RETRY, EAGAIN, "lock %s", name);
    return failure_system(why, errno, "lock %s", name);
}

static void pause_for(struct duration delay)
{
    struct timespec time = { .tv_sec = delay.us / 1000000, .tv_nsec = delay.us % 1000000 * 1000 };

    (void) nanosleep(&time, NULL);
}

bool lock_wait(int fd, const char *name, enum lock_style style, enum lock_mode mode, struct duration limit,
               struct failure *why)
{
    struct instant deadline = instant_add(clock_monotonic(), limit);
    struct duration delay = milliseconds(1);
    struct failure reason;

    while (!lock_try(fd, name, style, mode, &reason)) {
        if (reason.error != EAGAIN) {
            if (why != NULL)
                *why = reason;
            return false;
        }
        if (!instant_is_before(clock_monotonic(), deadline))
            return failure_set(why, FAILURE_TIMEOUT, EAGAIN, "lock %s", name);
        pause_for(delay);
        if (delay.us < 100000)
            delay.us *= 2;
    }
    return true;
}

void lock_release(int fd, enum lock_style style)
{
    struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

    if (style == LOCK_STYLE_FLOCK)
        (void) flock(fd, LOCK_UN);
    else
        (void) fcntl(fd, F_OFD_SETLK, &lock);
}

int lock_holder(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return 0;
    if (lock.l_type == F_UNLCK)
        return -1;
    return lock.l_pid > 0 ? lock.l_pid : 0;
}

enum { ORIGIN_SIZE = 128 };

/*
 * Where process ids mean what they mean to us: this boot of this kernel, this namespace of processes. Empty when
 * that cannot be known.
 */
static void find_origin(char origin[ORIGIN_SIZE])
{
    CLEANUP(fd_close) int fd = -1;
    char boot[64] = "", space[64] = "";
    size_t boot_len = 0;
    ssize_t space_len = readlink("/proc/self/ns/pid", space, sizeof space - 1);

    origin[0] = '\0';
    if (space_len <= 0 || !file_open("/proc/sys/kernel/random/boot_id", O_RDONLY, 0, &fd, NULL) ||
        !file_read(fd, "boot_id", boot, sizeof boot - 1, &boot_len, NULL))
        return;
    snprintf(origin, ORIGIN_SIZE, "%.*s %.*s", STR_ARG(str_trim(str_make(boot, boot_len))), (int) space_len, space);
}

/*
 * Text and name appear at once, so that a process killed here leaves nothing that nobody could judge: a file without
 * a name is written and then given one. False with another error than EEXIST where the filesystem cannot do that.
 */
static bool link_dot_lock(const char *name, struct str text, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const char *slash = strrchr(name, '/');
    struct str folder = slash == NULL ? STR(".") : str_make(name, (size_t) (slash - name) + 1);
    char unnamed[64];

    if (!file_open(arena_c(arena, folder), O_WRONLY | O_TMPFILE, 0644, &fd, why) || !file_write(fd, name, text, why))
        return false;
    snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, unnamed, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
        return failure_system(why, errno, "create %s", name);
    return true;
}

/* The process id for whoever reads dot locks, then our origin for ourselves. */
static bool make_dot_lock(const char *name, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    char text[ORIGIN_SIZE + 32], origin[ORIGIN_SIZE];
    struct failure reason;
    int len;

    find_origin(origin);
    len = snprintf(text, sizeof text, "%d\n%s\n", (int) getpid(), origin);
    if (link_dot_lock(name, str_make(text, (size_t) len), &reason))
        return true;
    if (reason.error == EEXIST) {
        *why = reason;
        return false;
    }
    if (!file_open(name, O_WRONLY | O_CREAT | O_EXCL, 0644, &fd, why))
        return false;
    /* The name is the lock; without its text it still holds. */
    (void) !file_write(fd, name, str_make(text, (size_t) len), NULL);
    return true;
}

/* Its maker was a process of this system, and is no more. */
static bool is_orphan(int fd, const char *name)
{
    char text[ORIGIN_SIZE + 32], origin[ORIGIN_SIZE];
    struct str first, rest;
    uint64_t pid;
    size_t len;

    if (!file_read_at(fd, name, text, sizeof text, 0, &len, NULL))
        return false;
    (void) str_cut(str_make(text, len), '\n', &first, &rest);
    find_origin(origin);
    return origin[0] != '\0' && str_equal(str_trim(rest), str_from_c(origin)) && str_to_uint64(first, &pid) &&
           pid > 1 && pid <= INT_MAX && kill((pid_t) pid, 0) < 0 && errno == ESRCH;
}

/*
 * Who removes a lock holds a lock on that very file while looking whether it still has the name: so two that
 * judge the same lock cannot take away the one that a third made meanwhile.
 */
static bool remove_stale(const char *name, struct duration stale)
{
    CLEANUP(fd_close) int fd = -1;
    struct stat ours, named;

    if (!file_open(name, O_RDWR | O_NOFOLLOW, 0, &fd, NULL) ||
        !lock_try(fd, name, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, NULL) || fstat(fd, &ours) < 0)
        return false;
    if (time(NULL) - ours.st_mtime <= duration_seconds(stale) && !is_orphan(fd, name))
        return false;
    return lstat(name, &named) == 0 && named.st_ino == ours.st_ino && named.st_dev == ours.st_dev &&
           file_unlink(name, NULL);
}

/* Not on the stack, which may be a fiber's. NULL if no file can have such a name. */
static const char *dot_lock_name(struct arena *arena, const char *path)
{
    struct str name = arena_printf(arena, "%s.lock", path);

    return name.len < PATH_MAX ? name.data : NULL;
}

bool lock_dot_acquire(const char *path, unsigned count, struct duration delay, struct duration stale,
                      struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const char *name = dot_lock_name(arena, path);
    struct failure reason;

    if (name == NULL)
        return failure_system(why, ENAMETOOLONG, "lock %s", path);
    for (unsigned tries = 0;; tries++) {
        if (make_dot_lock(name, &reason))
            return true;
        if (reason.error == EEXIST && remove_stale(name, stale) && make_dot_lock(name, &reason))
            return true;
        if (reason.error != EEXIST || tries + 1 >= count)
            break;
        pause_for(delay);
    }
    if (why != NULL)
        *why = reason;
    return false;
}

void lock_dot_release(const char *path)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const char *name = dot_lock_name(arena, path);
    struct failure ignored;

    if (name == NULL)
        return;
    /* A lock that stays keeps everybody out until it is stale, so one failure is not taken for an answer. */
    if (!file_unlink(name, &ignored))
        (void) !file_unlink(name, &ignored);
}
