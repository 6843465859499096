/* SPDX-License-Identifier: Apache-2.0 */
#include "os/directory.h"

#include "os/file.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static const char *path_of(const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % ARRAY_COUNT(paths)];

    snprintf(path, sizeof paths[0], "%s/%s", unit_directory(), name);
    return path;
}

TEST(a_directory_is_made_with_exactly_its_mode)
{
    const char *path = path_of("directory");
    struct stat status;
    mode_t old_mask = umask(077);

    EXPECT(directory_ensure(path, 01730, (uid_t) -1, (gid_t) -1, NULL));
    EXPECT(file_stat(path, &status, NULL));
    EXPECT_UINT(status.st_mode & 07777, 01730);
    EXPECT(directory_ensure(path, 0711, (uid_t) -1, (gid_t) -1, NULL));
    EXPECT(file_stat(path, &status, NULL));
    EXPECT_UINT(status.st_mode & 07777, 0711);
    (void) umask(old_mask);
}

TEST(a_link_in_place_of_a_directory_is_refused)
{
    const char *link = path_of("link");

    EXPECT(symlink("/tmp", link) == 0);
    EXPECT_FALSE(directory_ensure(link, 0700, (uid_t) -1, (gid_t) -1, NULL));
}

TEST(a_mount_is_told_from_a_directory)
{
    EXPECT(directory_is_mount("/proc"));
    EXPECT_FALSE(directory_is_mount("/proc/self"));
    EXPECT_FALSE(directory_is_mount(path_of("nothing")));
}

TEST(a_walk_sees_every_name_once)
{
    struct directory *walk = NULL;
    unsigned char type;
    const char *name;
    unsigned count = 0;

    EXPECT(directory_create_path(path_of("walk/inner"), 0700, NULL));
    EXPECT(file_replace(path_of("walk/a"), STR(""), 0600, NULL));
    EXPECT(file_replace(path_of("walk/b"), STR(""), 0600, NULL));
    EXPECT(directory_open(AT_FDCWD, path_of("walk"), &walk, NULL));
    while (directory_next(walk, &name, &type)) {
        struct stat status;

        EXPECT(file_stat_at(directory_fd(walk), name, &status, NULL));
        EXPECT_UINT(directory_inode(walk), status.st_ino);
        count++;
    }
    EXPECT(directory_close(&walk, NULL));
    EXPECT_UINT(count, 3);
}
