/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_SPACE_H
#define OS_SPACE_H

#include "base/failure.h"

#include <stdint.h>

/* space - what is left of the filesystem that holds a path. */
struct space {
    uint64_t free_bytes; /* for ordinary users */
    uint64_t total_bytes;
    uint64_t free_files; /* UINT64_MAX where the filesystem does not count them */
};

MUST_USE bool space_look(const char *path, struct space *space_out, struct failure *why);

/* The kinds of filesystem on which one syncfs is known to make a batch durable, see file_sync_filesystem. */
MUST_USE bool space_has_reliable_syncfs(int fd, bool *is_reliable_out, struct failure *why);
/*
 * The kinds on which data that was written back before a rename is durable when that rename is: their journal takes
 * sizes and places of data before the write is reported as done, and commits in order, after a flush of the disk.
 */
MUST_USE bool space_keeps_order(int fd, bool *is_in_order_out, struct failure *why);

#endif
