/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSUPER_LOG_LINES_H
#define POSTSUPER_LOG_LINES_H

#include "base/str.h"

/* log_lines - what postsuper says of the messages that it changed, as Postfix has it. */

/* "98AC3161ABF: removed" */
void log_changed(struct str queue_id, const char *change);
/* "Deleted: 2 messages" */
void log_summary(const char *change, size_t count);

/* "deferred/A/ABC: given to the owner of the queue" */
void log_given(const char *path);

#endif
