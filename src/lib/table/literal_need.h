/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_LITERAL_NEED_H
#define TABLE_LITERAL_NEED_H

#include "base/str.h"

/*
 * literal_need - what every text that a regular expression matches must have somewhere, so that most rules of a long
 * table are passed over without the matcher: the "viagra" of "/^Subject:.*viagra/".
 *
 * Known are pairs of neighbouring bytes, as bits of a small set, letters in one case: a text that lacks one of a rule's
 * pairs cannot match. A text that has them all may; the matcher tells. 16 bytes a rule: a thousand rules stay in cache.
 */
enum { LITERAL_NEED_MAX = 7, LITERAL_PAIRS_BITS = 4096 };

struct literal_need {
    uint16_t pairs[LITERAL_NEED_MAX]; /* bits of struct literal_pairs */
    uint16_t count;
};

/* The pairs of a text. */
struct literal_pairs {
    uint64_t words[LITERAL_PAIRS_BITS / 64];
};

/* pattern: as PCRE2 takes it, without its extended option. None where nothing can be told. */
struct literal_need literal_need_of(struct str pattern);

void literal_pairs_of(struct literal_pairs *pairs, struct str text);

static inline bool literal_need_is_met(const struct literal_need *need, const struct literal_pairs *pairs)
{
    for (unsigned i = 0; i < need->count; i++) {
        if ((pairs->words[need->pairs[i] / 64] >> (need->pairs[i] % 64) & 1) == 0)
            return false;
    }
    return true;
}

#endif
