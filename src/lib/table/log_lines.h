/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_LOG_LINES_H
#define TABLE_LOG_LINES_H

#include "table/table.h"

/* log_lines - what tables say in the log themselves: nothing but what debug: is there for. */

/* inner_why with UNKNOWN only. */
void log_table_lookup(struct str name, struct str key, enum table_result result, struct str value,
                      const struct failure *inner_why);

#endif
