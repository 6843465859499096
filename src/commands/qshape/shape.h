/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QSHAPE_SHAPE_H
#define QSHAPE_SHAPE_H

#include "base/arena.h"

/*
 * shape - how many recipients (or messages) wait for each domain, by age.
 *
 * Ages fall into buckets: the first ends at first_minutes, each of the next at twice the end of the one before (linear:
 * at the next multiple of first_minutes), the last has no end.
 */
enum { SHAPE_BUCKETS_MAXIMUM = 40, SHAPE_MINUTES_MAXIMUM = 1000000 };

struct shape_settings {
    unsigned buckets;       /* 1 to SHAPE_BUCKETS_MAXIMUM */
    uint64_t first_minutes; /* 1 to SHAPE_MINUTES_MAXIMUM */
    bool is_linear;
    int64_t now_seconds;
};

struct shape_row {
    struct str name;
    uint64_t total;
    uint64_t counts[SHAPE_BUCKETS_MAXIMUM];
};

struct shape;

struct shape *shape_create(const struct shape_settings *settings);
/* Leaves *shape NULL; a NULL shape is fine. */
void shape_destroy(struct shape **shape);

/* One more for the domain of that address, in lower case; an address without one is its own. */
void shape_add(struct shape *shape, struct str address, int64_t arrival_seconds);

/* The end of that bucket in minutes; the last one has none, and gives the end of the one before (0: there is none). */
uint64_t shape_bucket_end(const struct shape_settings *settings, unsigned bucket);

/* Of all. */
const struct shape_row *shape_total(const struct shape *shape);
/*
 * The domains, largest first; of equals the shorter name, then by name. With least_children, also the parent domains,
 * as
 * ".example.com", that have at least so many children: domains and parent domains directly below them. Top-level
 * domains are none, and address literals have none. The rows live in arena.
 */
struct shape_row **shape_rows(const struct shape *shape, unsigned least_children, struct arena *arena,
                              size_t *count_out);

#endif
