/* SPDX-License-Identifier: Apache-2.0 */
#include "config/layout.h"

#include "os/file.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

static const struct layout_identity ordinary = { false, 0, 0, 0, 0, 0, 0, 0 };

TEST(all_directories_are_made_with_their_modes)
{
    char queue[300], data[300], path[400];
    struct shared_settings settings = { 0 };
    struct stat status;

    snprintf(queue, sizeof queue, "%s/a/queue", unit_directory());
    snprintf(data, sizeof data, "%s/a/data", unit_directory());
    settings.queue_directory = str_from_c(queue);
    settings.data_directory = str_from_c(data);
    EXPECT(layout_make(&settings, &ordinary, NULL));
    for (const struct layout_directory *row = layout_directories; row->name != NULL; row++) {
        snprintf(path, sizeof path, "%s/%s", queue, row->name);
        EXPECT(file_stat(path, &status, NULL));
        EXPECT_UINT(status.st_mode & 07777, row->mode);
    }
    EXPECT(layout_make(&settings, &ordinary, NULL));
}

TEST(owner_and_group_come_from_the_identity)
{
    const struct layout_identity identity = { true, 10, 20, 11, 21, 12, 22, 30 };

    for (const struct layout_directory *row = layout_directories; row->name != NULL; row++) {
        if (str_equal(str_from_c(row->name), STR("private"))) {
            EXPECT_UINT(layout_directory_uid(row, &identity), 10);
            EXPECT_UINT(layout_directory_gid(row, &identity), 21);
        }
        if (str_equal(str_from_c(row->name), STR("maildrop")))
            EXPECT_UINT(layout_directory_gid(row, &identity), 30);
        if (str_equal(str_from_c(row->name), STR("pid")))
            EXPECT_UINT(layout_directory_uid(row, &identity), 0);
    }
}

TEST(a_directory_that_the_services_cannot_pass_is_named)
{
    const struct layout_identity identity = { true, 64000, 64000, 64001, 64001, 64003, 64003, 64002 };
    char path[400], closed[300];
    struct failure why;

    snprintf(closed, sizeof closed, "%s/closed", unit_directory());
    snprintf(path, sizeof path, "%s/queue", closed);
    EXPECT(chmod(unit_directory(), 0755) == 0);
    EXPECT(mkdir(closed, 0755) == 0);
    EXPECT(layout_is_reachable(str_from_c(path), &identity, &why));
    EXPECT(chmod(closed, 0700) == 0);
    EXPECT_FALSE(layout_is_reachable(str_from_c(path), &identity, &why));
    EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
    EXPECT(str_find(str_from_c(why.text), str_from_c(closed)) != STR_NOT_FOUND);
    EXPECT(layout_is_reachable(str_from_c(path), &ordinary, &why));
}
