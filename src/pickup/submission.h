/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PICKUP_SUBMISSION_H
#define PICKUP_SUBMISSION_H

#include "config/shared_settings.h"

struct endpoint;
struct loop;

/*
 * submission - one file of maildrop/ on its way into the queue.
 *
 * The file goes away only when cleanup has the message on disk, or bounce has its return on disk; a crash
 * between the two submits it twice, never not at all.
 */
struct submission_ways {
    struct loop *loop;
    const struct shared_settings *shared;
    struct endpoint *cleanup;
    struct endpoint *bounce;
    unsigned overrides;        /* enum receive_override */
    struct str content_filter; /* "transport:nexthop", or empty */
};

enum submission_result {
    SUBMISSION_DONE,    /* the file is gone: queued, returned, or moved to corrupt/ */
    SUBMISSION_SKIPPED, /* no message yet, or none at all */
    SUBMISSION_LATER,   /* the file stays: try again in a while */
};

/* path is "maildrop/NAME", relative to the queue directory. In a fiber. */
enum submission_result submission_take(const struct submission_ways *ways, const char *path);

#endif
