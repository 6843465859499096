/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_LOG_LINES_H
#define LOCAL_LOG_LINES_H

#include "base/str.h"

/* log_lines - lines about a message that are not about how it fared; see docs/reference/log-lines.md. */

/* transport: "name" or "name:nexthop". */
void log_passing(struct str queue_id, struct str address, struct str transport);

#endif
