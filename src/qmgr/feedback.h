/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_FEEDBACK_H
#define QMGR_FEEDBACK_H

#include "base/failure.h"
#include "base/str.h"

/*
 * feedback - how many deliveries a destination gets at one time: a window that success widens and failed connections
 * or handshakes narrow.
 *
 * A share of one is added for each delivery; the window changes by one when the shares make a whole: upwards at the
 * end of such a sequence, downwards at its beginning, so that an overload is corrected at once. Apart from that, so
 * many windows full of failures without a success between them make the destination dead.
 */
enum feedback_kind {
    FEEDBACK_CONSTANT,
    FEEDBACK_PER_CONCURRENCY,
    FEEDBACK_PER_ROOT, /* of the concurrency */
};

struct feedback {
    double share;
    enum feedback_kind kind;
};

struct window {
    unsigned size;
    double success;
    double failure;
    double failed_cohorts;
};

/* "number", "number/number", "number/concurrency", "number/sqrt_concurrency", worth 0 to 1. */
MUST_USE bool feedback_parse(struct str text, struct feedback *feedback_out, struct failure *why);
double feedback_value(const struct feedback *feedback, unsigned concurrency);

void window_init(struct window *window, unsigned initial, unsigned limit);
/* limit 0: none. A window that is not used is not widened: busy counts the delivery that succeeded. */
void window_succeed(struct window *window, const struct feedback *positive, unsigned busy, unsigned initial,
                    unsigned limit);
/* True when cohort_limit windows full of failures are reached; 0: never. */
bool window_fail(struct window *window, const struct feedback *negative, unsigned cohort_limit);

#endif
