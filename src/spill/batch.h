/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPILL_BATCH_H
#define SPILL_BATCH_H

#include "base/arena.h"
#include "base/time.h"
#include "protocol/spill.h"
#include "spool/spool.h"

/*
 * batch - writes frames of the journal to queue files and makes them durable together.
 *
 * Everything here blocks: it runs on a thread, on data of its own. After batch_write each result says whether the
 * file stands durable; files of those that failed are gone.
 */
struct batch {
    const struct spill_request *request;
    struct spill_result *results; /* one an item */
    struct spool_settings spool;
    struct arena *arena;         /* the batch's own */
    int syncfs_fd;               /* opened before the first write of any batch; -1: sync each file */
    bool syncfs_failed;          /* out: do not use it again */
    struct duration syncfs_took; /* out: zero if it was not used */
};

void batch_write(struct batch *batch);

#endif
