/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRTUAL_LOG_LINES_H
#define VIRTUAL_LOG_LINES_H

#include "base/str.h"
#include "delivery/rights.h"

/* log_lines - what only this agent writes, as Postfix has it; a recipient's line is delivery's. */

/* warning: configuration error: virtual_mailbox_limit is smaller than message_size_limit */
void virtual_log_fault(const char *fault);
/* warning: recipient u@example.com: not found in virtual_uid_maps */
void virtual_log_number_absent(struct str address, struct str maps);
/* warning: recipient u@example.com: bad uid 99 in virtual_uid_maps */
void virtual_log_number_bad(struct str address, const char *what, struct str value, struct str maps);
/* warning: table virtual_mailbox_maps: lookup u@example.com: ... */
void virtual_log_table_trouble(struct str maps, struct str address, const char *reason);
/* warning: maildir access problem for UID/GID=1000/1000: ..., and what may help */
void virtual_log_maildir_access(const struct rights *owner, const char *reason);

#endif
