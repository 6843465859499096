/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"

#include "os/directory.h"
#include "os/fd.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static char space[4][300];

static const char *path_of(const char *name)
{
    static unsigned next;
    char *path = space[next++ % ARRAY_COUNT(space)];

    snprintf(path, sizeof space[0], "%s/%s", unit_directory(), name);
    return path;
}

static void expect_content(const char *path, struct str expected)
{
    struct strbuf text;

    strbuf_init(&text, 1000);
    EXPECT(file_load(path, &text, NULL));
    EXPECT_STR(strbuf_str(&text), expected);
    strbuf_done(&text);
}

TEST(a_missing_file_is_told_by_its_errno_and_name)
{
    struct failure why;
    int fd = -1;

    EXPECT_FALSE(file_open("/nowhere/at/all", O_RDONLY, 0, &fd, &why));
    EXPECT_INT(why.error, ENOENT);
    EXPECT_TEXT(why.text, "open /nowhere/at/all: No such file or directory");
    EXPECT_INT(fd, -1);
}

TEST(parts_are_written_one_behind_the_other)
{
    struct iovec parts[] = { { "abc", 3 }, { "", 0 }, { "defg", 4 } };
    const char *path = path_of("parts");
    int fd = -1;

    EXPECT(file_open(path, O_RDWR | O_CREAT, 0600, &fd, NULL));
    EXPECT(file_write_at(fd, path, STR("0123456789"), 0, NULL));
    EXPECT(file_write_parts_at(fd, path, parts, 3, 2, NULL));
    fd_close(&fd);
    expect_content(path, STR("01abcdefg9"));
}

TEST(reading_stops_at_the_end)
{
    const char *path = path_of("short");
    char data[100];
    size_t count;
    int fd = -1;

    EXPECT(file_replace(path, STR("hello"), 0600, NULL));
    EXPECT(file_open(path, O_RDONLY, 0, &fd, NULL));
    EXPECT(file_read_at(fd, path, data, sizeof data, 1, &count, NULL));
    EXPECT_STR(str_make(data, count), STR("ello"));
    fd_close(&fd);
}

TEST(a_new_name_that_is_taken_is_refused)
{
    const char *from = path_of("from"), *to = path_of("to");
    struct failure why;

    EXPECT(file_replace(from, STR("from"), 0600, NULL));
    EXPECT(file_replace(to, STR("to"), 0600, NULL));
    EXPECT_FALSE(file_rename_new_at(AT_FDCWD, from, AT_FDCWD, to, &why));
    EXPECT_INT(why.error, EEXIST);
    EXPECT(file_unlink(to, NULL));
    EXPECT(file_rename_new_at(AT_FDCWD, from, AT_FDCWD, to, NULL));
    expect_content(to, STR("from"));
    EXPECT_FALSE(file_exists(from));
}

TEST(two_names_are_exchanged_whatever_they_are)
{
    const char *file = path_of("one"), *folder = path_of("other");

    EXPECT(file_replace(file, STR("one"), 0600, NULL));
    EXPECT(directory_create_at(AT_FDCWD, folder, 0700, NULL));
    EXPECT(file_exchange(file, folder, NULL));
    expect_content(folder, STR("one"));
    EXPECT_FALSE(file_exchange(file, path_of("nothing"), NULL));
}

TEST(the_time_of_change_can_be_set)
{
    const char *path = path_of("time");
    struct stat status;

    EXPECT(file_replace(path, STR(""), 0600, NULL));
    EXPECT(file_set_time_at(AT_FDCWD, path, 1234567890, NULL));
    EXPECT(file_stat(path, &status, NULL));
    EXPECT_INT(status.st_mtime, 1234567890);
}
