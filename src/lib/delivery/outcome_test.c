/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/outcome.h"

#include "unit.h"

static void keep(struct outcome_store *store, const char *queue_id, uint64_t number)
{
    struct deliver_result result = { .index = 7, .dsn = STR("2.0.0"), .reason = STR("ok") };
    char id[20];
    struct deliver_outcome outcome = { .attempt = 3, .number = number, .results = { &result, 1 } };

    /* The store must not point at what is ours. */
    memcpy(id, queue_id, strlen(queue_id));
    outcome.queue_id = str_make(id, strlen(queue_id));
    outcome_store_keep(store, &outcome);
    memset(id, 'x', sizeof(id));
    result.index = 0;
}

TEST(outcomes_are_listed_oldest_first_until_they_are_forgotten)
{
    struct arena *arena = arena_create();
    struct outcome_store store;
    struct records records;
    const struct deliver_outcome *items;

    outcome_store_init(&store);
    keep(&store, "A1", 1);
    keep(&store, "B2", 1);
    keep(&store, "B2", 2);
    records = outcome_store_list(&store, arena);
    items = records.items;
    EXPECT_UINT(records.count, 3);
    EXPECT_STR(items[0].queue_id, STR("A1"));
    EXPECT_UINT(items[2].number, 2);
    EXPECT_UINT(((const struct deliver_result *) items[1].results.items)[0].index, 7);
    outcome_store_forget(&store, 2);
    records = outcome_store_list(&store, arena);
    items = records.items;
    EXPECT_UINT(records.count, 1);
    EXPECT_UINT(items[0].number, 2);
    outcome_store_done(&store);
    arena_destroy(&arena);
}

TEST(a_full_store_forgets_the_oldest)
{
    struct arena *arena = arena_create();
    struct outcome_store store;
    const struct deliver_outcome *items;

    outcome_store_init(&store);
    for (uint64_t i = 0; i <= OUTCOME_STORE_MAX; i++)
        keep(&store, "C3", i);
    EXPECT_UINT(store.count, OUTCOME_STORE_MAX);
    items = outcome_store_list(&store, arena).items;
    EXPECT_UINT(items[0].number, 1);
    outcome_store_done(&store);
    arena_destroy(&arena);
}
