/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MAIL_CASEFOLD_TABLE_H
#define MAIL_CASEFOLD_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* casefold_table - what casefold.c works with, in order of code points; ASCII is not in it. */
struct casefold_range {
    uint32_t first;
    uint32_t last;
    uint32_t stride; /* every or every second code point of the range */
    int32_t delta;   /* to the folded one */
};

struct casefold_string {
    uint32_t code;
    uint32_t folded[3]; /* ends with 0 unless all three are there */
};

extern const struct casefold_range casefold_ranges[];
extern const size_t casefold_ranges_count;
extern const struct casefold_string casefold_strings[];
extern const size_t casefold_strings_count;

#endif
