/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_GROUP_SYNC_H
#define LOCAL_GROUP_SYNC_H

#include "base/failure.h"

/*
 * group_sync - files and directories of many deliveries made durable together, in a thread of their own.
 *
 * While one group is synced the next gathers. All of a group's data is sent to the disk before the first of its syncs,
 * so that one commit of the filesystem's journal serves them all; each file still has its own sync and its own answer.
 */
struct group_sync;
struct loop;

struct group_sync *group_sync_create(struct loop *loop);
/* Nobody may be waiting. Leaves *sync NULL. */
void group_sync_destroy(struct group_sync **sync);

/* Waits in the fiber until what was written to fd is durable. Without a group_sync (NULL) in place. */
MUST_USE bool group_sync_file(struct group_sync *sync, int fd, const char *name, struct failure *why);

#endif
