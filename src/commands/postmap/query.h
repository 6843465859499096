/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTMAP_QUERY_H
#define POSTMAP_QUERY_H

#include "postmap/options.h"
#include "table/table.h"

/*
 * query - looks keys up in tables and prints what is found.
 *
 * One key prints its value, as found in the first table that has it; keys from standard input print "key<tab>value"
 * each.
 */
MUST_USE bool query_key(const struct postmap_options *options, struct table_set *set, char **tables, size_t count,
                        bool *found_out, struct failure *why);

/* Prints all entries of one table. */
MUST_USE bool query_list(const struct postmap_options *options, struct table *table, struct failure *why);

#endif
