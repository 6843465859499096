/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOOL_SPOOL_WALKING_H
#define SPOOL_SPOOL_WALKING_H

#include "spool/spool.h"

/*
 * spool_walking - a look through all files of a queue, at any depth of hashing, that may pause: each step looks at so
 * many files and leaves the folders open where it stood. spool_walk in spool.h is the same in one go.
 *
 * A folder's names are taken many at a time and looked at in the order of their inodes, which is the order in which
 * the disk has them: a folder gives its names in no order, and looking at a million inodes here and there takes a cold
 * disk many times as long. What is put into a folder, or taken out of it, during the walk may be seen or not.
 */
struct spool_walking;

/*
 * Several may look at one queue at one time, each at its part (from 0 on) of so many: the folders are shared out among
 * them, what lies in no folder is part 0's.
 */
struct spool_walking *spool_walking_create(enum spool_queue queue, unsigned part, unsigned parts);
/* Leaves *walking NULL; NULL is fine. */
void spool_walking_destroy(struct spool_walking **walking);

/*
 * Looks at up to so many files more. Sets is_over_out when all were seen, or seen() said false. False at the end, too,
 * when a folder in between could not be entered. Blocks.
 */
MUST_USE bool spool_walking_step(struct spool_walking *walking, size_t names, spool_seen *seen, void *context,
                                 bool *is_over_out, struct failure *why);
/* Names so far that are no message's. */
size_t spool_walking_strange(const struct spool_walking *walking);

#endif
