/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_RECIPIENT_POOL_H
#define QMGR_RECIPIENT_POOL_H

#include "base/list.h"

#include <stdint.h>

/*
 * recipient_pool - how many recipients of a transport may be in memory (_recipient_limit), and the extra places that
 * are kept for messages which overtake with recipients still unread (_extra_recipient_limit).
 *
 * Each time such a message overtakes it is granted half of what is left of both, so that the next one to overtake finds
 * something, too. A grant is a number of recipients that the message may hold in memory at a time, whoever else came
 * meanwhile; it ends when all of the message is read. What is in memory and what is granted and not used are together
 * never more than both limits; what comes in all the same (a message's first recipients) is the caller's to bound.
 */
struct recipient_pool {
    size_t limit;
    size_t extra;
    size_t in_memory;
    struct list granted; /* struct recipient_share */
};

/* One message's; zeros, and the list node its own, at first (recipient_share_init). */
struct recipient_share {
    struct list node;
    size_t in_memory;
    size_t granted;
    uint64_t turn; /* of the overtaking that was last granted something */
};

void recipient_pool_init(struct recipient_pool *pool, size_t limit, size_t extra);
void recipient_share_init(struct recipient_share *share);

void recipient_pool_add(struct recipient_pool *pool, struct recipient_share *share, size_t count);
void recipient_pool_remove(struct recipient_pool *pool, struct recipient_share *share, size_t count);

/* The message overtook at this turn (not 0), and has unread recipients. Once for each turn. */
void recipient_pool_grant(struct recipient_pool *pool, struct recipient_share *share, uint64_t turn);
/* All of it is read. */
void recipient_pool_release(struct recipient_share *share);

/* How many more of the message may be read. share may be NULL: one that has nothing there yet. */
size_t recipient_pool_room(const struct recipient_pool *pool, const struct recipient_share *share);

#endif
