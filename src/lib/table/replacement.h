/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_REPLACEMENT_H
#define TABLE_REPLACEMENT_H

#include "base/arena.h"

/* replacement - a rule's result with $1, ${1} and $(1) for what a group of the pattern matched, and $$ for $. */
struct replacement_part {
    struct str text;
    unsigned group; /* not 0: this group stands here, text is empty */
};

struct replacement {
    struct replacement_part *parts;
    size_t count;
};

/* The parts live in arena. False if a $ is followed by neither of the above. */
bool replacement_parse(struct str text, struct arena *arena, struct replacement *replacement_out);
/* The highest group used; 0: none. */
unsigned replacement_highest(const struct replacement *replacement);

#endif
