/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMAP_BUILD_H
#define POSTMAP_BUILD_H

#include "postmap/options.h"

/*
 * build - makes a table's file from its source, or (-i) adds entries from standard input, or removes keys.
 * Lines that are wrong are warned of and left out, as is the second of two entries with one key.
 */
MUST_USE bool build_table(const struct postmap_options *options, struct str type, struct str path, struct failure *why);

/* One key, or with "-" each line of standard input; *found_out if any was there. */
MUST_USE bool build_remove(const struct postmap_options *options, struct str type, struct str path, bool *found_out,
                           struct failure *why);

#endif
