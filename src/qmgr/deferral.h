/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_DEFERRAL_H
#define QMGR_DEFERRAL_H

#include "qmgr/keeper.h"
#include "spool/queue_file.h"

/*
 * deferral - a message that is not finished waits as a file: in deferred/, or in incoming/ when nothing of it was
 * tried, or in hold/. Its outcomes so far go with it.
 */
struct deferral {
    enum spool_queue queue;
    int64_t next_attempt; /* seconds since 1970 */
    unsigned add_flags;   /* ENVELOPE_... */
    struct queue_file_outcome *outcomes;
    size_t count;
};

/*
 * The message is active, and is not any more afterwards. Waits. What cannot become a file goes on from where it stands.
 * Memory of the deferral's outcomes, and what must last until then, is in arena.
 */
void deferral_defer(struct keeper *keeper, struct queued_message *message, const struct deferral *deferral,
                    struct arena *arena);

#endif
