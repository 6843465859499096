/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNSBLOG_LOG_LINES_H
#define DNSBLOG_LOG_LINES_H

#include "base/str.h"

/* log_lines - the lines that dnsblog writes, each by one function. */

/* "addr 192.0.2.1 listed by domain zen.example as 127.0.0.2" */
void log_listed(struct str client, struct str domain, struct str as);
/* "warning: dnsblog_query: lookup error for DNS query 1.2.0.192.zen.example: Host not found, try again" */
void log_lookup_error(struct str name, const char *reason);

#endif
