/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAILBOX_GROUP_SYNC_H
#define MAILBOX_GROUP_SYNC_H

#include "base/failure.h"

/*
 * group_sync - files and directories of many deliveries made durable together, in threads of their own.
 *
 * While one group is synced the next gathers. A few files have a sync each, all of their data being sent to the disk
 * before the first of them; more on one filesystem have one sync of that filesystem, where such a sync is known to be
 * reliable. Each file has its own answer. A sync of the filesystem that takes long has waited for what strangers wrote:
 * for a while there is none then.
 */
struct group_sync;
struct loop;

struct group_sync *group_sync_create(struct loop *loop);
/* Nobody may be waiting. Leaves *sync NULL. */
void group_sync_destroy(struct group_sync **sync);

/* Without a group_sync (NULL) these do their work in place, else they wait for it in the fiber. */

/* When it returns, what was written to fd becomes durable before any name that is given to the file from then on. */
MUST_USE bool group_sync_data(struct group_sync *sync, int fd, const char *name, struct failure *why);
/* When it returns, what was written to fd is durable. */
MUST_USE bool group_sync_file(struct group_sync *sync, int fd, const char *name, struct failure *why);

/* A file and the directory in which it has a new name. */
struct named_file {
    int fd;
    const char *name;
    int directory_fd;
    const char *directory;
};

/* When it returns, both are durable. */
MUST_USE bool group_sync_named(struct group_sync *sync, const struct named_file *file, struct failure *why);

#endif
