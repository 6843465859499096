/* SPDX-License-Identifier: Apache-2.0 */
#include "os/lock.h"

#include "os/fd.h"
#include "os/file.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char path[300];

    snprintf(path, sizeof path, "%s/%s", unit_directory(), name);
    return path;
}

static int open_file(const char *name)
{
    int fd = -1;

    EXPECT(file_open(path_of(name), O_RDWR | O_CREAT, 0600, &fd, NULL));
    return fd;
}

static void expect_exclusion(enum lock_style style)
{
    int one = open_file("locked"), two = open_file("locked");
    struct failure why;

    EXPECT(lock_try(one, "one", style, LOCK_EXCLUSIVE, &why));
    EXPECT_FALSE(lock_try(two, "two", style, LOCK_EXCLUSIVE, &why));
    EXPECT_INT(why.error, EAGAIN);
    EXPECT_INT(why.kind, FAILURE_RETRY);
    lock_release(one, style);
    EXPECT(lock_try(two, "two", style, LOCK_SHARED, &why));
    EXPECT(lock_try(one, "one", style, LOCK_SHARED, &why));
    fd_close(&one);
    fd_close(&two);
}

TEST(two_opens_of_one_file_exclude_each_other)
{
    expect_exclusion(LOCK_STYLE_DESCRIPTION);
    expect_exclusion(LOCK_STYLE_FLOCK);
}

TEST(a_lock_ends_when_its_file_is_closed)
{
    int one = open_file("closed"), two = open_file("closed");

    EXPECT(lock_try(one, "one", LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, NULL));
    EXPECT(lock_holder(two) >= 0);
    fd_close(&one);
    EXPECT_INT(lock_holder(two), -1);
    EXPECT(lock_try(two, "two", LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, NULL));
    fd_close(&two);
}

TEST(waiting_for_a_lock_ends_at_its_limit)
{
    int one = open_file("waited"), two = open_file("waited");
    struct failure why;

    EXPECT(lock_try(one, "one", LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, &why));
    EXPECT_FALSE(lock_wait(two, "two", LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, milliseconds(20), &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    fd_close(&one);
    EXPECT(lock_wait(two, "two", LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, milliseconds(20), &why));
    fd_close(&two);
}

TEST(a_dot_lock_is_taken_once)
{
    const char *path = path_of("mailbox");
    struct failure why;

    EXPECT(lock_dot_acquire(path, 1, milliseconds(1), seconds(500), &why));
    EXPECT_FALSE(lock_dot_acquire(path, 2, milliseconds(1), seconds(500), &why));
    EXPECT_INT(why.error, EEXIST);
    lock_dot_release(path);
    EXPECT(lock_dot_acquire(path, 1, milliseconds(1), seconds(500), &why));
    lock_dot_release(path);
}

TEST(a_stale_dot_lock_is_taken_away)
{
    const char *path = path_of("stale");

    EXPECT(lock_dot_acquire(path, 1, milliseconds(1), seconds(500), NULL));
    EXPECT(file_set_time_at(AT_FDCWD, path_of("stale.lock"), 1000, NULL));
    path = path_of("stale");
    EXPECT(lock_dot_acquire(path, 2, milliseconds(1), seconds(500), NULL));
    lock_dot_release(path);
}

TEST(the_dot_lock_of_a_process_that_died_is_taken_at_once)
{
    const char *path = path_of("orphaned");
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(lock_dot_acquire(path, 1, milliseconds(1), seconds(500), NULL) ? 0 : 1);
    EXPECT(waitpid(pid, &status, 0) == pid);
    EXPECT_INT(status, 0);
    EXPECT(file_exists(path_of("orphaned.lock")));
    path = path_of("orphaned");
    EXPECT(lock_dot_acquire(path, 1, milliseconds(1), seconds(500), NULL));
    EXPECT_FALSE(lock_dot_acquire(path, 1, milliseconds(1), seconds(500), NULL));
    lock_dot_release(path);
}
