/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/recipient_pool.h"

#include "unit.h"

enum { MESSAGES = 12 };

struct bench {
    struct recipient_pool pool;
    struct recipient_share shares[MESSAGES];
};

static void set_up(struct bench *bench, size_t limit, size_t extra)
{
    recipient_pool_init(&bench->pool, limit, extra);
    for (size_t i = 0; i < MESSAGES; i++)
        recipient_share_init(&bench->shares[i]);
}

/* Reads what there is room for. */
static size_t fill(struct bench *bench, size_t message)
{
    size_t count = recipient_pool_room(&bench->pool, &bench->shares[message]);

    recipient_pool_add(&bench->pool, &bench->shares[message], count);
    return count;
}

TEST(who_does_not_overtake_has_the_limit_alone)
{
    struct bench bench;

    set_up(&bench, 100, 40);
    EXPECT_UINT(recipient_pool_room(&bench.pool, NULL), 100);
    EXPECT_UINT(fill(&bench, 0), 100);
    EXPECT_UINT(fill(&bench, 1), 0);
    recipient_pool_remove(&bench.pool, &bench.shares[0], 30);
    EXPECT_UINT(fill(&bench, 1), 30);
}

TEST(each_that_overtakes_gets_half_of_what_is_left)
{
    static const size_t expected[] = { 20, 10, 5, 3, 1, 1, 0 };
    struct bench bench;

    set_up(&bench, 100, 40);
    EXPECT_UINT(fill(&bench, 0), 100);
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        recipient_pool_grant(&bench.pool, &bench.shares[i + 1], i + 1);
        /* Whether those before have read what they were granted, or not. */
        if (i % 2 == 0)
            EXPECT_UINT(fill(&bench, i + 1), expected[i]);
        else
            EXPECT_UINT(recipient_pool_room(&bench.pool, &bench.shares[i + 1]), expected[i]);
        EXPECT_UINT(recipient_pool_room(&bench.pool, &bench.shares[0]), 0);
    }
}

TEST(half_of_the_unused_limit_is_granted_with_the_extra_places)
{
    struct bench bench;

    set_up(&bench, 100, 40);
    recipient_pool_add(&bench.pool, &bench.shares[0], 60);
    recipient_pool_grant(&bench.pool, &bench.shares[1], 1);
    EXPECT_UINT(bench.shares[1].granted, 40);
    /* What is granted is kept from the others, and nothing is left of the limit. */
    EXPECT_UINT(recipient_pool_room(&bench.pool, &bench.shares[0]), 0);
    EXPECT_UINT(recipient_pool_room(&bench.pool, &bench.shares[1]), 40);
}

TEST(an_overtaking_is_granted_once_and_the_next_one_of_the_same_message_again)
{
    struct bench bench;

    set_up(&bench, 0, 40);
    recipient_pool_grant(&bench.pool, &bench.shares[0], 7);
    recipient_pool_grant(&bench.pool, &bench.shares[0], 7);
    EXPECT_UINT(fill(&bench, 0), 20);
    recipient_pool_grant(&bench.pool, &bench.shares[0], 8);
    EXPECT_UINT(fill(&bench, 0), 10);
}

TEST(a_grant_is_used_again_until_all_is_read)
{
    struct bench bench;

    set_up(&bench, 10, 40);
    EXPECT_UINT(fill(&bench, 0), 10);
    recipient_pool_grant(&bench.pool, &bench.shares[1], 1);
    EXPECT_UINT(fill(&bench, 1), 20);
    recipient_pool_remove(&bench.pool, &bench.shares[1], 15);
    EXPECT_UINT(recipient_pool_room(&bench.pool, &bench.shares[0]), 0);
    EXPECT_UINT(fill(&bench, 1), 15);
    recipient_pool_release(&bench.shares[1]);
    EXPECT_UINT(fill(&bench, 1), 0);
    recipient_pool_remove(&bench.pool, &bench.shares[1], 20);
    recipient_pool_remove(&bench.pool, &bench.shares[0], 4);
    EXPECT_UINT(fill(&bench, 0), 4);
    /* The extra places are whole again. */
    recipient_pool_grant(&bench.pool, &bench.shares[2], 2);
    EXPECT_UINT(fill(&bench, 2), 20);
}

TEST(both_limits_bound_what_is_in_memory_whoever_overtakes)
{
    struct bench bench;

    set_up(&bench, 1000, 300);
    for (uint64_t turn = 1; turn < 2000; turn++) {
        size_t message = (size_t) (turn * 7 % MESSAGES);

        if (turn % 3 == 0)
            recipient_pool_grant(&bench.pool, &bench.shares[message], turn);
        if (turn % 5 == 0)
            recipient_pool_remove(&bench.pool, &bench.shares[message], bench.shares[message].in_memory / 2);
        if (turn % 11 == 0)
            recipient_pool_release(&bench.shares[message]);
        (void) fill(&bench, message);
        EXPECT(bench.pool.in_memory <= 1300);
    }
}
