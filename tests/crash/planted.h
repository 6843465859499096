/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_PLANTED_H
#define CRASH_PLANTED_H

#include "disk.h"
#include "house.h"

/*
 * planted - faults that are made on purpose, to see that they are found: in the house, in what was recorded, or on the
 * disk. Product code knows nothing of them.
 */
struct planted {
    const char *name;
    const char *scenario;
    const char *expected;                 /* a part of each complaint; one there must be */
    void (*prepare)(struct house *house); /* before the scenario runs; NULL: nothing */
    void (*change)(struct trace *trace);  /* after it; NULL: nothing */
    bool (*spoil)(struct disk_image *image, const struct trace *trace);
    bool is_last_alone; /* only the last point is cut: the fault lies in what is durable */
};

extern const struct planted planted_faults[];
extern const size_t planted_count;

#endif
