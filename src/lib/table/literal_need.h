/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_LITERAL_NEED_H
#define TABLE_LITERAL_NEED_H

#include "base/str.h"

/*
 * literal_need - what every text that a regular expression matches must have somewhere, so that most rules of a long
 * table are passed over without the matcher: the "viagra" of "/^Subject:.*viagra/".
 *
 * Known are pairs of neighbouring bytes, as bits of a small set, letters in one case: a text that lacks one of a rule's
 * pairs cannot match. A text that has them all may; the matcher tells. Of a rule of a table those few pairs are looked
 * for that fewest of its rules have: what all rules say ("Subject", "example") is likely to be in the text.
 */
enum { LITERAL_NEED_MAX = 31, LITERAL_PROBE_MAX = 3, LITERAL_PAIRS_BITS = 4096 };

struct literal_need {
    uint16_t pairs[LITERAL_NEED_MAX]; /* bits of struct literal_pairs */
    uint16_t count;
};

/* 8 bytes a rule: a thousand rules stay in cache. */
struct literal_probe {
    uint16_t pairs[LITERAL_PROBE_MAX];
    uint16_t count;
};

/* How many rules of a table have a pair. */
struct literal_counts {
    uint16_t counts[LITERAL_PAIRS_BITS];
};

/* The pairs of a text. */
struct literal_pairs {
    uint64_t words[LITERAL_PAIRS_BITS / 64];
};

/* pattern: as PCRE2 takes it, without its extended option. None where nothing can be told. */
struct literal_need literal_need_of(struct str pattern);

void literal_counts_add(struct literal_counts *counts, const struct literal_need *need);
/* The rarest pairs of a rule, the rarest first. */
struct literal_probe literal_probe_of(const struct literal_need *need, const struct literal_counts *counts);

void literal_pairs_of(struct literal_pairs *pairs, struct str text);

static inline bool literal_pairs_have(const struct literal_pairs *pairs, const uint16_t *wanted, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if ((pairs->words[wanted[i] / 64] >> (wanted[i] % 64) & 1) == 0)
            return false;
    }
    return true;
}

static inline bool literal_need_is_met(const struct literal_need *need, const struct literal_pairs *pairs)
{
    return literal_pairs_have(pairs, need->pairs, need->count);
}

static inline bool literal_probe_is_met(const struct literal_probe *probe, const struct literal_pairs *pairs)
{
    return literal_pairs_have(pairs, probe->pairs, probe->count);
}

#endif
