/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_POSIX_PATTERN_H
#define TABLE_POSIX_PATTERN_H

#include "base/strbuf.h"

/*
 * posix_pattern - translates a POSIX regular expression, with glibc's extensions (\b \w \< \>), into PCRE's syntax.
 *
 * What differs and stays: where several alternatives match at one place, POSIX takes the longest and PCRE the first;
 * whether it matches is the same, only $1 can differ.
 */
enum posix_pattern_flag {
    POSIX_PATTERN_EXTENDED = 1 << 0, /* ERE; else BRE, where \( \) \{ \} are the operators */
    POSIX_PATTERN_NEWLINE = 1 << 1,  /* [^...] does not match a newline */
};

/* False with *problem_out in the words of regcomp(3) if brackets do not close or a class is unknown. */
bool posix_pattern_translate(struct str pattern, unsigned flags, struct strbuf *out, const char **problem_out);

#endif
