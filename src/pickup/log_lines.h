/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PICKUP_LOG_LINES_H
#define PICKUP_LOG_LINES_H

#include "base/str.h"

#include <sys/types.h>

/* log_lines - what pickup logs, in Postfix's words. */

/* "ABC: uid=1000 from=<user>"; with " orig_id=DEF" when postsuper -r sent it round again, else original_id is empty. */
void log_picked_up(struct str queue_id, uid_t uid, struct str sender, struct str original_id);
/* "maildrop/X: message not queued: reason" */
void log_not_queued(const char *path, struct str reason);

#endif
