/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_SCENARIOS_H
#define CRASH_SCENARIOS_H

#include "house.h"

/* scenarios - what a mail system lives through while its disk is recorded; one row each. */
struct scenario {
    const char *name;
    void (*run)(struct house *house); /* in a fiber, in an empty directory */
    unsigned hash_depth;
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

const struct scenario *scenario_find(const char *name);

#endif
