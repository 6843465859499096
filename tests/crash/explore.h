/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_EXPLORE_H
#define CRASH_EXPLORE_H

#include "book.h"
#include "disk.h"
#include "spool/spool.h"

#include <stdatomic.h>

/*
 * explore - cuts the power at every point of a trace, makes the disks that may be left, lets the house recover on each
 * in a process of its own, and takes the verdict.
 *
 * Disks are all that the pending operations allow where these are few; else the plain ones (nothing came, all came, all
 * but one, one alone, each tear) and some drawn by chance from the seed. The same disk under the same promises is
 * looked at once. Some recoveries are themselves recorded and cut: after a power cut, and after a kill that left the
 * page cache.
 */
enum { COMPLAINTS_KEPT = 20 };

/* Shared by all processes. */
struct tally {
    atomic_size_t states;
    atomic_size_t second_states; /* of cut recoveries; counted in states too */
    atomic_size_t duplicates;
    atomic_size_t complaints;
    char complaint[COMPLAINTS_KEPT][400];
};

struct tally *tally_create(void);

struct limits {
    unsigned points;        /* of the trace that are cut, evenly; 0: all */
    size_t exhaustive;      /* as many disks at one point are all looked at */
    unsigned drawn;         /* else so many by chance, */
    size_t plain;           /* and at most so many plain ones */
    unsigned second_every;  /* each so manieth disk gets its recovery cut; 0: none */
    unsigned seconds;       /* but at most so many */
    unsigned kills;         /* at so many points, evenly, a kill, and its recovery cut */
    unsigned second_points; /* at most so many cuts of a recovery, evenly */
    unsigned jobs;
    uint64_t seed;
    size_t complaints; /* stop after so many */
};

struct exploration {
    const char *name;
    const struct trace *trace;
    const struct book *book;
    struct spool_settings spool;
    struct limits limits;
    struct tally *tally;
    const char *base; /* an existing folder for the disks */
    size_t from;      /* first point */
    unsigned depth;   /* 0; 1: a recovery is being cut */
    /* Damage done to each disk; NULL: none. False: this one is left out. */
    bool (*spoil)(struct disk_image *image, const struct trace *trace);
};

void explore(const struct exploration *exploration);

#endif
