/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_LOG_LINES_H
#define LOCAL_LOG_LINES_H

#include "base/str.h"
#include "delivery/rights.h"

/* log_lines - lines about a message that are not about how it fared; see docs/reference/log-lines.md. */

/* transport: "name" or "name:nexthop". */
void log_passing(struct str queue_id, struct str address, struct str transport);
/* error: configuration error: mailbox_size_limit is smaller than message_size_limit */
void log_fault(const char *fault);
/* warning: maildir access problem for UID/GID=1000/1000: ..., and what may help */
void log_maildir_access(const struct rights *owner, const char *reason);

#endif
