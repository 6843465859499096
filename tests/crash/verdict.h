/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_VERDICT_H
#define CRASH_VERDICT_H

#include "book.h"
#include "trace.h"

/*
 * verdict - whether a recovery kept every promise that was made before the cut.
 *
 * - Lost: an accepted message whose recipient nobody reached: not before the cut and not after it, by delivery or by a
 *   notification, and which no administrator had asked to delete.
 * - Came back: one that was confirmed to be deleted, or that was finished and on disk as finished before the cut.
 * - Twice: more than one delivery in one recovery. One before and one after the cut is a duplicate; these are counted.
 * - Let go: held mail that was delivered though nobody released it.
 */
struct verdict {
    char complaint[200]; /* the first of them; empty: all is well */
    unsigned complaints;
    unsigned duplicates;
};

/*
 * The marks before begin are the promises, those from there on what the recovery did. Each of the cuts may have left a
 * copy more of what goes through maildrop/.
 */
void verdict_give(const struct trace *trace, size_t begin, const struct book *book, unsigned cuts,
                  struct verdict *verdict_out);

#endif
