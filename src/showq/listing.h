/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHOWQ_LISTING_H
#define SHOWQ_LISTING_H

#include "protocol/queue.h"

struct stream;

/*
 * listing - writes the queue to one reader: maildrop/ from its files, all else from what qmgr says.
 *
 * It is written as it comes, so a long queue takes no memory. Without qmgr there is no listing: it ends early, which
 * the reader notices.
 */
struct listing_source {
    struct endpoint *queue;  /* qmgr */
    struct str null_sender;  /* how the null sender is shown */
    struct duration timeout; /* of one wait for qmgr */
};

MUST_USE bool listing_write(const struct listing_source *source, struct stream *stream, struct failure *why);

#endif
