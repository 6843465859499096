/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MILTER_LOG_LINES_H
#define MILTER_LOG_LINES_H

#include "base/str.h"

/* log_lines - what is logged of milters in trouble, by whoever speaks with them. */

/* "warning: connect to Milter service inet:127.0.0.1:8891: Connection refused" */
void log_milter_connect_failed(struct str name, const char *reason);
/* "warning: milter inet:127.0.0.1:8891: can't read SMFIC_MAIL reply packet header: Connection timed out" */
void log_milter_trouble(struct str name, const char *text);

#endif
