/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSUPER_OWNERSHIP_H
#define POSTSUPER_OWNERSHIP_H

#include "base/failure.h"

#include <sys/types.h>

/*
 * ownership - folders and files of the queue that root restored or copied without their owner, which the queue manager
 * could not read.
 *
 * As root. Only a folder, a file of the journal or what is a queue file by its first bytes, in a place and under a name
 * of one, and has no other name, is given to the owner of the queue: nobody who can write there gets hold of a
 * stranger's file by that.
 */
MUST_USE bool ownership_mend(uid_t uid, gid_t gid, struct failure *why);

#endif
