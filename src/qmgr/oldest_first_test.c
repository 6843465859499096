/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/oldest_first.h"
#include "unit.h"

TEST(ids_come_oldest_first_whatever_their_writers_and_spelling)
{
    struct queue_index *index = queue_index_create();
    enum { COUNT = 5003 };
    struct oldest_first *ids;
    struct queue_id id;
    uint64_t last = 0;

    for (uint64_t i = 0; i < COUNT; i++)
        queue_index_add(index, queue_id_make(i * 7919 % COUNT + 1, (unsigned) (i % 3), i % 2 == 0), SPOOL_DEFERRED);
    ids = oldest_first_create(index);
    while (oldest_first_next(ids, &id)) {
        EXPECT_UINT(queue_id_tick(id), last + 1);
        last++;
    }
    EXPECT_UINT(last, COUNT);
    oldest_first_destroy(&ids);
    queue_index_destroy(&index);
}

TEST(an_empty_index_has_no_oldest)
{
    struct queue_index *index = queue_index_create();
    struct oldest_first *ids = oldest_first_create(index);
    struct queue_id id;

    EXPECT_FALSE(oldest_first_next(ids, &id));
    oldest_first_destroy(&ids);
    queue_index_destroy(&index);
}
