/* SPDX-License-Identifier: Apache-2.0 */
#include "os/file.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>

static const char *path_of(const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % ARRAY_COUNT(paths)];

    snprintf(path, sizeof paths[0], "%s/%s", unit_directory(), name);
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

TEST(a_file_longer_than_allowed_is_not_loaded)
{
    const char *path = path_of("long");
    struct strbuf text;
    struct failure why;

    EXPECT(file_replace(path, STR("0123456789"), 0600, NULL));
    strbuf_init(&text, 5);
    EXPECT_FALSE(file_load(path, &text, &why));
    EXPECT_INT(why.error, EFBIG);
    strbuf_done(&text);
}

TEST(replacing_keeps_the_mode_of_the_old_file)
{
    const char *path = path_of("mode");
    struct stat status;

    EXPECT(file_replace(path, STR("1"), 0640, NULL));
    EXPECT(file_stat(path, &status, NULL));
    EXPECT_UINT(status.st_mode & 07777, 0640);
    EXPECT(chmod(path, 0604) == 0);
    EXPECT(file_replace(path, STR("2"), 0600, NULL));
    EXPECT(file_stat(path, &status, NULL));
    EXPECT_UINT(status.st_mode & 07777, 0604);
    expect_content(path, STR("2"));
}
