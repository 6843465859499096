/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/recipient_pool.h"

#include "base/compiler.h"

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
    pool->in_memory -= count;
    share->in_memory -= count;
}

static size_t left(size_t limit, size_t used)
{
    return limit > used ? limit - used : 0;
}

/* What is there, and what may still come on a grant. */
static size_t taken(const struct recipient_pool *pool)
{
    size_t count = pool->in_memory;

    for (const struct list *node = pool->granted.next; node != &pool->granted; node = node->next) {
        const struct recipient_share *share = CONTAINER_OF(node, const struct recipient_share, node);

        count += left(share->granted, share->in_memory);
    }
    return count;
}

void recipient_pool_grant(struct recipient_pool *pool, struct recipient_share *share, uint64_t turn)
{
    size_t more;

    if (share->turn == turn)
        return;
    share->turn = turn;
    /* Rounded up: the last place left is of use to somebody. */
    more = (left(pool->limit + pool->extra, taken(pool)) + 1) / 2;
    if (share->granted < share->in_memory)
        share->granted = share->in_memory;
    share->granted += more;
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
    size_t own = share == NULL ? 0 : left(share->granted, share->in_memory);

    return own + left(pool->limit, taken(pool));
}
