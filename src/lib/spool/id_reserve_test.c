/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/id_reserve.h"

#include "base/check.h"
#include "os/file.h"
#include "spool/spool.h"

#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void enter_fresh_queue(void)
{
    static unsigned number;
    char path[300];
    struct failure why;

    snprintf(path, sizeof(path), "%s/%u", unit_directory(), number++);
    CHECK(mkdir(path, 0700) == 0 && chdir(path) == 0);
    CHECK(spool_make_folders(&why));
}

TEST(a_torn_reserve_falls_back_to_the_one_before)
{
    struct id_reserve reserve;
    struct failure why;

    enter_fresh_queue();
    EXPECT(id_reserve_open(&reserve, &why));
    EXPECT_UINT(reserve.ceiling, 0);
    EXPECT(id_reserve_raise(&reserve, 1000, &why));
    EXPECT(id_reserve_raise(&reserve, 2000, &why));
    EXPECT(file_write_at(reserve.fd, "reserve", STR("torn"), reserve.sequence % 2 * ID_RESERVE_SLOT, &why));
    id_reserve_close(&reserve);
    EXPECT(id_reserve_open(&reserve, &why));
    EXPECT_UINT(reserve.ceiling, 1000);
    EXPECT(id_reserve_raise(&reserve, 3000, &why));
    id_reserve_close(&reserve);
    EXPECT(id_reserve_open(&reserve, &why));
    EXPECT_UINT(reserve.ceiling, 3000);
    id_reserve_close(&reserve);
}

TEST(writers_are_numbered_by_their_locks)
{
    struct id_reserve reserves[QUEUE_ID_WRITERS];
    struct id_reserve more;
    struct failure why;

    enter_fresh_queue();
    for (unsigned i = 0; i < QUEUE_ID_WRITERS; i++) {
        EXPECT(id_reserve_open(&reserves[i], &why));
        EXPECT_UINT(reserves[i].writer, i);
    }
    EXPECT_FALSE(id_reserve_open(&more, &why));
    EXPECT_INT(why.kind, FAILURE_RETRY);
    id_reserve_close(&reserves[5]);
    EXPECT(id_reserve_open(&more, &why));
    EXPECT_UINT(more.writer, 5);
    id_reserve_close(&more);
    for (unsigned i = 0; i < QUEUE_ID_WRITERS; i++)
        id_reserve_close(&reserves[i]);
}
