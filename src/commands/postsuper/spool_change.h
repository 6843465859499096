/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSUPER_SPOOL_CHANGE_H
#define POSTSUPER_SPOOL_CHANGE_H

#include "base/strlist.h"
#include "protocol/queue.h"
#include "spool/spool.h"

/*
 * spool_change - the queue's files changed by hand, while the mail system is down and the caller holds its lock;
 * and the folders that the queue manager does not keep (maildrop/, corrupt/), at any time.
 *
 * Every change is durable before it is told of. Paths are relative to the queue directory.
 */
struct spool_change {
    struct spool_settings spool;
    enum queue_operation operation;
    struct arena *arena;
    /* Told of each message changed. */
    void (*changed)(void *context, struct str queue_id);
    void *context;
};

/* One message wherever it is: file, frame of the journal. An id that is nowhere is no failure. */
MUST_USE bool spool_change_one(const struct spool_change *change, struct str queue_id, struct failure *why);
/* All of a queue; queue_name empty: of every queue that the operation concerns. */
MUST_USE bool spool_change_all(const struct spool_change *change, struct str queue_name, struct failure *why);

/* Removal from maildrop/ and corrupt/; for other operations nothing is done there. */
MUST_USE bool spool_change_maildrop(const struct spool_change *change, struct str queue_id, struct failure *why);
MUST_USE bool spool_change_corrupt(const struct spool_change *change, struct failure *why);

/* Folders that are missing are made, files that stand at another depth than hash_queue_depth says are moved. */
MUST_USE bool spool_change_structure(const struct spool_settings *spool, struct failure *why);
/* Files in maildrop/ that nobody has finished for a day. */
MUST_USE bool spool_change_purge(struct failure *why);

#endif
