/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/srv.h"

#include "unit.h"

enum { ROUNDS = 4000 };

static struct dns_record record(uint16_t priority, uint16_t weight)
{
    return (struct dns_record){ .type = DNS_TYPE_SRV, .preference = priority, .weight = weight };
}

TEST(priorities_come_before_weights)
{
    for (int i = 0; i < 50; i++) {
        struct dns_record records[] = { record(20, 65535), record(10, 0), record(10, 1), record(5, 0) };

        srv_order(records, ARRAY_COUNT(records));
        EXPECT_UINT(records[0].preference, 5);
        EXPECT_UINT(records[1].preference, 10);
        EXPECT_UINT(records[2].preference, 10);
        EXPECT_UINT(records[3].preference, 20);
    }
}

TEST(a_weight_is_a_share)
{
    unsigned heavy = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct dns_record records[] = { record(10, 10), record(10, 30) };

        srv_order(records, ARRAY_COUNT(records));
        heavy += records[0].weight == 30 ? 1 : 0;
    }
    /* Three quarters, as the lot of 0 falls on the first; far from there is one time in many millions. */
    EXPECT(heavy > ROUNDS * 68 / 100 && heavy < ROUNDS * 80 / 100);
}

TEST(the_weightless_have_a_small_chance)
{
    unsigned first = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct dns_record records[] = { record(10, 9), record(10, 0) };

        srv_order(records, ARRAY_COUNT(records));
        first += records[0].weight == 0 ? 1 : 0;
    }
    EXPECT(first > ROUNDS * 5 / 100 && first < ROUNDS * 15 / 100);
}

TEST(none_is_lost)
{
    struct dns_record records[] = { record(10, 0), record(10, 0), record(10, 7), record(10, 7) };
    unsigned weights = 0;

    srv_order(records, ARRAY_COUNT(records));
    for (size_t i = 0; i < ARRAY_COUNT(records); i++)
        weights += records[i].weight;
    EXPECT_UINT(weights, 14);
    srv_order(records, 0);
}

TEST(the_name_has_service_and_protocol)
{
    struct arena *arena = arena_create();

    EXPECT_STR(srv_name(arena, STR("submission"), STR("example.com")), STR("_submission._tcp.example.com"));
    arena_destroy(&arena);
}
