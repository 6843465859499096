/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/log_lines.h"

#include "log/log.h"

void log_notification(struct str queue_id, const char *what, struct str notification_id)
{
    log_info("%.*s: %s notification: %.*s", STR_ARG(queue_id), what, STR_ARG(notification_id));
}

void log_discarded(struct str queue_id)
{
    log_warning("%.*s: undeliverable postmaster notification discarded", STR_ARG(queue_id));
}

void log_not_reported(struct str queue_id, const char *what)
{
    log_info("%.*s: not sending trace/success notification for %s-bounce message", STR_ARG(queue_id), what);
}

void log_not_notified(struct str queue_id, const char *what, const char *reason)
{
    log_warning("%.*s: %s notification was not queued: %s", STR_ARG(queue_id), what, reason);
}
