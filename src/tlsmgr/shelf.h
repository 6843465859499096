/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSMGR_SHELF_H
#define TLSMGR_SHELF_H

#include "base/arena.h"
#include "base/time.h"

struct cache;

/*
 * shelf - entries that end: texts by name in a cache, each with the time when it was put and the time from which it
 * does not count any more. The caller brings the (wall clock's) time.
 *
 * Several shelves may stand in one cache; a letter tells them apart. What ends is removed when it is met, and by
 * shelf_clean. All entries of a shelf together have at most `maximum` bytes: one that is full takes nothing new.
 */
struct shelf {
    struct cache *cache; /* NULL: there is no place, and nothing is kept */
    char letter;
    size_t maximum;
    size_t bytes; /* as of the last cleaning, and what came since */
};

/* kept and ends may not be NULL. In arena. */
bool shelf_get(struct shelf *shelf, struct str key, struct instant now, struct arena *arena, struct str *value_out,
               struct instant *kept_out, struct instant *ends_out);

enum shelf_result {
    SHELF_KEPT,
    SHELF_NO_PLACE,
    SHELF_FULL,
};

/* With ends not after now it is removed. */
enum shelf_result shelf_put(struct shelf *shelf, struct str key, struct str value, struct instant ends,
                            struct instant now);

/* Removes what has ended, and counts the rest. In a fiber; others run in between. */
void shelf_clean(struct shelf *shelf, struct instant now);

#endif
