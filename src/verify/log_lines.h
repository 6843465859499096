/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_LOG_LINES_H
#define VERIFY_LOG_LINES_H

#include "base/str.h"

#include <stdbool.h>

/* log_lines - the lines that verify writes. One function a line. */

/* "cache lmdb:/x full cleanup: retained=1 dropped=2 entries"; name empty: "internal"; is_partial: "partial". */
void log_cache_cleaned(struct str name, bool is_partial, size_t retained, size_t dropped);
/* "warning: cannot send a probe to <x@y>: REASON" */
void log_probe_problem(struct str address, const char *reason);
/* "warning: bad address verify table entry: TEXT" */
void log_bad_entry(struct str text);
/* "warning: REASON" and what becomes of it: the cache's file. */
void log_cache_problem(const char *text);

#endif
