/* SPDX-License-Identifier: Apache-2.0 */
#include "os/fd.h"

#include "os/file.h"
#include "unit.h"

#include <fcntl.h>

TEST(descriptors_are_closed_in_children)
{
    int fd = -1;

    EXPECT(file_open("/dev/null", O_RDONLY, 0, &fd, NULL));
    EXPECT((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    fd_close(&fd);
    EXPECT_INT(fd, -1);
}

TEST(a_descriptor_taken_is_the_takers_to_close)
{
    CLEANUP(fd_close) int fd = -1;
    int taken;

    EXPECT(file_open("/dev/null", O_RDONLY, 0, &fd, NULL));
    taken = fd_take(&fd);
    EXPECT_INT(fd, -1);
    EXPECT(taken >= 0);
    fd_close(&taken);
}

TEST(a_copy_is_closed_in_children_too)
{
    int fd = -1, copy = -1;

    EXPECT(file_open("/dev/null", O_RDONLY, 0, &fd, NULL));
    EXPECT(fd_copy(fd, 50, &copy, NULL));
    EXPECT(copy >= 50);
    EXPECT((fcntl(copy, F_GETFD) & FD_CLOEXEC) != 0);
    EXPECT(fd_set_nonblocking(copy, true, NULL));
    EXPECT((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    fd_close(&fd);
    fd_close(&copy);
}
