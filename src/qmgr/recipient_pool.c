/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/recipient_pool.h"

#include "base/check.h"

void recipient_pool_init(struct recipient_pool *pool, size_t limit, size_t extra)
{
    *pool = (struct recipient_pool){ .limit = limit, .extra = extra };
    list_init(&pool->granted);
}

void recipient_share_init(struct recipient_share *share)
{
    *share = (struct recipient_share){ .in_memory = 0 };
    list_init(&share->node);
}

void recipient_pool_add(struct recipient_pool *pool, struct recipient_share *share, size_t count)
{
    pool->in_memory += count;
    share->in_memory += count;
}

void recipient_pool_remove(struct recipient_pool *pool, struct recipient_share *share, size_t count)
{
    CHECK(count <= share->in_memory && count <= pool->in_memory);
    pool->in_memory -= count;
    share->in_memory -= count;
}

/* ---- grants ---- */

static size_t unused(const struct recipient_share *share)
{
    return share->granted > share->in_memory ? share->granted - share->in_memory : 0;
}

/* What is in memory, and what may come without asking. */
static size_t taken(const struct recipient_pool *pool)
{
    size_t count = pool->in_memory;

    for (const struct list *node = pool->granted.next; node != &pool->granted; node = node->next)
        count += unused(CONTAINER_OF(node, const struct recipient_share, node));
    return count;
}

static size_t left_of(size_t limit, size_t count)
{
    return limit > count ? limit - count : 0;
}

void recipient_pool_grant(struct recipient_pool *pool, struct recipient_share *share, uint64_t turn)
{
    if (share->turn == turn)
        return;
    share->turn = turn;
    /* On top of what it has: that is not given again. */
    if (share->granted < share->in_memory)
        share->granted = share->in_memory;
    share->granted += (left_of(pool->limit + pool->extra, taken(pool)) + 1) / 2;
    if (list_is_empty(&share->node))
        list_append(&pool->granted, &share->node);
}

void recipient_pool_release(struct recipient_share *share)
{
    share->granted = 0;
    list_remove(&share->node);
}

size_t recipient_pool_room(const struct recipient_pool *pool, const struct recipient_share *share)
{
    return (share != NULL ? unused(share) : 0) + left_of(pool->limit, taken(pool));
}
