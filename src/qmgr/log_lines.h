/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_LOG_LINES_H
#define QMGR_LOG_LINES_H

#include "base/failure.h"
#include "base/str.h"
#include "qmgr/scheduler.h"

/* log_lines - the lines that the queue manager writes about a message, in Postfix's words. One function a line. */

/* "ABC: from=<x@y>, size=123, nrcpt=1 (queue active)"; recipients are all that the message ever had. */
void log_queue_active(struct str queue_id, struct str sender, uint64_t size, size_t recipients);
/* "ABC: from=<x@y>, status=expired, returned to sender"; forced: "status=force-expired". */
void log_expired(struct str queue_id, struct str sender, bool is_forced);
/* "warning: connect to transport private/x: No such file or directory" */
void log_no_transport(struct str transport, const char *why);
/* "ABC: removed" */
void log_removed(struct str queue_id);
/* "warning: ABC: no delay warning sent: REASON"; without doing, "warning: ABC: REASON". */
void log_message_problem(struct str queue_id, const char *doing, const struct failure *why);
/* "going with deliveries in hand: what becomes of them is carried to the next queue manager" */
void log_going_busy(void);

/* With destination_concurrency_feedback_debug: what a transport's formulas are worth, and what a delivery did. */
void log_feedback_values(struct str transport, const struct scheduler_limits *limits);
void log_feedback(const struct destination *destination, bool is_success, double feedback);

/* "warning: bounce_queue_lifetime is larger than maximal_queue_lifetime - adjusting bounce_queue_lifetime" */
void log_lifetime_adjusted(void);

#endif
