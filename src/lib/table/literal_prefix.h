/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_LITERAL_PREFIX_H
#define TABLE_LITERAL_PREFIX_H

#include "base/str.h"

/*
 * literal_prefix - what every text that a regular expression matches must begin with, so that most rules of a long
 * table are passed over without the matcher: "^Subject: x" of "/^Subject: x.*y/". Empty where that cannot be told.
 */
enum { LITERAL_PREFIX_MAX = 15 };

struct literal_prefix {
    unsigned char len;
    char text[LITERAL_PREFIX_MAX]; /* lower case where case does not matter */
};

/* pattern: as PCRE2 takes it, without its extended or multi-line options. */
struct literal_prefix literal_prefix_of(struct str pattern, bool ignores_case);

static inline bool literal_prefix_fits(const struct literal_prefix *prefix, bool ignores_case, struct str text)
{
    if (text.len < prefix->len)
        return false;
    for (size_t i = 0; i < prefix->len; i++) {
        if ((ignores_case ? char_to_lower(text.data[i]) : text.data[i]) != prefix->text[i])
            return false;
    }
    return true;
}

#endif
