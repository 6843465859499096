/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/outcome.h"

#include "base/check.h"

struct kept {
    struct list place;
    struct arena *arena;
    struct deliver_outcome *outcome;
};

void outcome_store_init(struct outcome_store *store)
{
    list_init(&store->kept);
    store->count = 0;
}

void outcome_store_done(struct outcome_store *store)
{
    outcome_store_forget(store, store->count);
}

/* Through the wire form, which is the one deep copy that knows every field. */
void outcome_store_keep(struct outcome_store *store, const struct deliver_outcome *outcome)
{
    struct arena *arena = arena_create();
    struct kept *kept = arena_new(arena, struct kept);
    struct strbuf bytes;
    void *copy = NULL;
    int fd;

    strbuf_init(&bytes, STRBUF_UNLIMITED);
    CHECK(message_encode(&deliver_outcome_message, outcome, &bytes, &fd, NULL));
    CHECK(message_decode(&deliver_outcome_message, strbuf_str(&bytes), -1, arena, &copy, NULL));
    strbuf_done(&bytes);
    kept->arena = arena;
    kept->outcome = copy;
    if (store->count >= OUTCOME_STORE_MAX)
        outcome_store_forget(store, 1);
    list_append(&store->kept, &kept->place);
    store->count++;
}

struct records outcome_store_list(const struct outcome_store *store, struct arena *arena)
{
    struct deliver_outcome *items = arena_new_array(arena, store->count + 1, struct deliver_outcome);
    struct records records = { items, 0 };

    for (struct list *node = store->kept.next; node != &store->kept; node = node->next)
        items[records.count++] = *CONTAINER_OF(node, struct kept, place)->outcome;
    return records;
}

void outcome_store_forget(struct outcome_store *store, size_t count)
{
    for (; count > 0 && store->count > 0; count--) {
        struct kept *kept = CONTAINER_OF(store->kept.next, struct kept, place);
        struct arena *arena = kept->arena;

        list_remove(&kept->place);
        store->count--;
        arena_destroy(&arena);
    }
}
