/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BOUNCE_LOG_LINES_H
#define BOUNCE_LOG_LINES_H

#include "base/str.h"

/* log_lines - what bounce logs about notifications, in Postfix's words. */

/* "ABC: sender non-delivery notification: DEF"; what is "sender non-delivery", "postmaster delay" and so on. */
void log_notification(struct str queue_id, const char *what, struct str notification_id);
/* "ABC: undeliverable postmaster notification discarded" */
void log_discarded(struct str queue_id);
/* "ABC: not sending trace/success notification for single-bounce message"; what is single or double */
void log_not_reported(struct str queue_id, const char *what);
/* "ABC: sender non-delivery notification was not queued: reason" */
void log_not_notified(struct str queue_id, const char *what, const char *reason);

#endif
