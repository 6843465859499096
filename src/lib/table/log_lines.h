/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_LOG_LINES_H
#define TABLE_LOG_LINES_H

#include "table/table.h"

/* log_lines - what tables say in the log themselves: what debug: is there for, and the filter of DNS replies. */

/* inner_why with UNKNOWN only. */
void log_table_lookup(struct str name, struct str key, enum table_result result, struct str value,
                      const struct failure *inner_why);

/* ignoring DNS RR: example.com. 300 IN MX 10 mx.example.com. */
void log_ignored_record(struct str text);
/* warning: smtp_dns_reply_filter: unknown DNS filter action: "REJECT" */
void log_bad_filter_action(struct str title, struct str action);
/* warning: smtp_dns_reply_filter: table lookup problem: ... */
void log_filter_trouble(struct str title, const char *reason);

#endif
