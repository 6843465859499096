/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_OUTCOME_H
#define DELIVERY_OUTCOME_H

#include "base/list.h"
#include "protocol/deliver.h"

/*
 * outcome - what the queue manager has not yet recorded, kept while no channel leads to it.
 *
 * An outcome that is forgotten means that somebody gets a message twice, never that nobody gets it; so the
 * store is bounded and the oldest go first.
 */
struct outcome_store {
    struct list kept;
    size_t count;
};

enum { OUTCOME_STORE_MAX = 20000 };

void outcome_store_init(struct outcome_store *store);
void outcome_store_done(struct outcome_store *store);

/* Copies. */
void outcome_store_keep(struct outcome_store *store, const struct deliver_outcome *outcome);
/* All of them, oldest first; the strings are the store's, the row the arena's. */
struct records outcome_store_list(const struct outcome_store *store, struct arena *arena);
/* Forgets the count oldest, which were recorded. */
void outcome_store_forget(struct outcome_store *store, size_t count);

#endif
