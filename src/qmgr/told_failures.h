/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_TOLD_FAILURES_H
#define QMGR_TOLD_FAILURES_H

#include "spool/queue_file.h"

/*
 * told_failures - recipients of journal messages that failed for good, and why, until their sender knows it.
 *
 * The ledger says that somebody failed, but has no room for the words. They are kept here when they came from another
 * queue manager's time, or when no queue file could be written for them; with the next activation they stand in the
 * envelope again. What is forgotten here, by a crash or beyond the maximum, is tried again.
 */
struct told_failures;

struct told_failures *told_failures_create(void);
/* Leaves *failures NULL; NULL is fine. */
void told_failures_destroy(struct told_failures **failures);

/* Copies. A later word on the same recipient counts instead of the first. */
void told_failures_add(struct told_failures *failures, struct queue_id id, const struct queue_file_outcome *outcome);
/* NULL and 0 when nothing is known; good until the next add or forget. */
const struct queue_file_outcome *told_failures_of(const struct told_failures *failures, struct queue_id id,
                                                  size_t *count_out);
/* Pending recipients that are known to have failed; the words are copied to arena. */
void told_failures_apply(const struct told_failures *failures, struct queue_id id, struct arena *arena,
                         struct envelope *envelope);
void told_failures_forget(struct told_failures *failures, struct queue_id id);

#endif
