/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "qmgr/queue_index.h"
#include "unit.h"

static struct queue_id id_of(uint64_t n)
{
    return queue_id_make(n + 1, 0, false);
}

TEST(messages_are_found_until_they_are_removed)
{
    struct queue_index *index = queue_index_create();
    enum { COUNT = 20000 };

    for (uint64_t i = 0; i < COUNT; i++)
        queue_index_add(index, id_of(i), SPOOL_DEFERRED);
    EXPECT_UINT(queue_index_count(index), COUNT);
    for (uint64_t i = 0; i < COUNT; i += 2)
        queue_index_remove(index, queue_index_find(index, id_of(i)));
    for (uint64_t i = 0; i < COUNT; i++)
        EXPECT((queue_index_find(index, id_of(i)) != NULL) == (i % 2 == 1));
    EXPECT_UINT(queue_index_count(index), COUNT / 2);
    queue_index_destroy(&index);
}

TEST(messages_become_ready_in_the_order_of_their_next_attempt)
{
    struct queue_index *index = queue_index_create();
    uint32_t last = 0;

    for (uint64_t i = 0; i < 5000; i++) {
        struct queued_message *message = queue_index_add(index, id_of(i), SPOOL_DEFERRED);

        message->was_deferred = true;
        queue_index_wait(index, message, (int64_t) (i * 7919 % 5003) + 1);
    }
    for (uint64_t i = 0; i < 5000; i += 3)
        queue_index_remove(index, queue_index_find(index, id_of(i)));
    EXPECT_UINT(queue_index_due(index, 0), 0);
    EXPECT(queue_index_due(index, 100000) == 5000 - 1667);
    EXPECT_INT(queue_index_next_due(index), INT64_MAX);
    EXPECT(queue_index_first_ready(index, false) == NULL);
    for (struct queued_message *first; (first = queue_index_first_ready(index, true)) != NULL;) {
        EXPECT(first->next_attempt >= last);
        last = first->next_attempt;
        queue_index_set_idle(index, first, QUEUED_ACTIVE);
    }
    queue_index_destroy(&index);
}

TEST(a_message_stands_in_one_list_at_a_time)
{
    struct queue_index *index = queue_index_create();
    struct queued_message *message = queue_index_add(index, id_of(1), SPOOL_INCOMING);
    struct queue_id *ids;
    size_t count;

    queue_index_ready(index, message);
    EXPECT(queue_index_first_ready(index, false) == message);
    queue_index_wait(index, message, 50);
    EXPECT(queue_index_first_ready(index, false) == NULL);
    EXPECT_INT(queue_index_next_due(index), 50);
    queue_index_wait(index, message, 20);
    EXPECT_INT(queue_index_next_due(index), 20);
    queue_index_set_idle(index, message, QUEUED_IDLE);
    EXPECT_INT(queue_index_next_due(index), INT64_MAX);
    ids = queue_index_ids(index, &count);
    EXPECT_UINT(count, 1);
    EXPECT(queue_id_equal(ids[0], id_of(1)));
    memory_free(ids);
    queue_index_destroy(&index);
}
