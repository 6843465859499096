/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_OLDEST_FIRST_H
#define QMGR_OLDEST_FIRST_H

#include "qmgr/queue_index.h"

/*
 * oldest_first - the ids of all messages that are known at one moment, given out one after the other, oldest first.
 *
 * Who takes only the first few pays for a few: the ids are a heap, not sorted. Older messages also lie together on the
 * disk, so what goes through all files in this order finds them sooner. A message may be gone when its turn comes.
 */
struct oldest_first;

struct oldest_first *oldest_first_create(const struct queue_index *index);
/* Leaves *ids NULL; NULL is fine. */
void oldest_first_destroy(struct oldest_first **ids);
/* False when there are no more. */
MUST_USE bool oldest_first_next(struct oldest_first *ids, struct queue_id *id_out);

#endif
