/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSMGR_LOG_LINES_H
#define TLSMGR_LOG_LINES_H

#include "base/str.h"

/* log_lines - the lines that tlsmgr writes. One function a line. */

/* "warning: REASON" and what becomes of it: a cache's file. */
void log_cache_problem(const char *text);
/* "warning: cache lmdb:/x: full: nothing is added until entries end" */
void log_cache_full(struct str name);
/* "warning: ticket keys of the process before are lost: REASON" */
void log_keys_lost(const char *reason);

#endif
