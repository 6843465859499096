/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_ID_RESERVE_H
#define SPOOL_ID_RESERVE_H

#include "spool/queue_id.h"

/*
 * id_reserve - a writer's number and the ceiling of its queue ids, in journal/writer-NN. The number is ours as long as
 * the file is open (its lock). All calls block.
 */
enum { ID_RESERVE_SLOT = 512, ID_RESERVE_SLOTS = 2 };

struct id_reserve {
    int fd;
    unsigned writer;
    uint64_t sequence;
    uint64_t ceiling; /* as it stands on disk */
};

/* Takes the first free number. */
MUST_USE bool id_reserve_open(struct id_reserve *reserve, struct failure *why);
/* Synced when it returns true. */
MUST_USE bool id_reserve_raise(struct id_reserve *reserve, uint64_t ceiling, struct failure *why);
void id_reserve_close(struct id_reserve *reserve);

#endif
