/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/log_lines.h"

#include "log/log.h"

void log_message_id(struct str queue_id, bool is_resent, struct str id)
{
    log_info("%.*s: %smessage-id=%.*s", STR_ARG(queue_id), is_resent ? "resent-" : "", STR_ARG(id));
}

void log_map_problem(struct str queue_id, struct str maps, struct str address, struct str reason)
{
    log_warning("%.*s: %.*s", STR_ARG(queue_id), STR_ARG(reason));
    log_warning("%.*s: %.*s map lookup problem for %.*s -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), STR_ARG(address));
}

void log_map_unreasonable(struct str queue_id, struct str maps, const char *what, struct str address)
{
    log_warning("%.*s: unreasonable %.*s %s for %.*s -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), what, STR_ARG(str_part(address, 0, 100)));
}

/* The result may be as long as a table's value can be: its beginning tells enough. */
void log_map_long_result(struct str queue_id, struct str maps, struct str result)
{
    log_warning("%.*s: unreasonable %.*s result %.*s... -- message not accepted, try again later", STR_ARG(queue_id),
                STR_ARG(maps), STR_ARG(str_part(result, 0, 100)));
}

void log_map_many(struct str queue_id, struct str maps, struct str address)
{
    log_warning("%.*s: multi-valued %.*s entry for %.*s", STR_ARG(queue_id), STR_ARG(maps), STR_ARG(address));
}

void log_rewrite_problem(struct str queue_id, const char *reason)
{
    log_warning("%.*s: address rewriting problem: %s", STR_ARG(queue_id), reason);
}

void log_write_problem(struct str queue_id, const char *reason)
{
    log_warning("%.*s: write queue file: %s", STR_ARG(queue_id), reason);
}

void log_not_told(struct str queue_id, struct str reason)
{
    log_warning("%.*s: no delivery notification sent: %.*s", STR_ARG(queue_id), STR_ARG(reason));
}

void log_disk_fails(const char *reason)
{
    log_error("the queue's disk fails, no mail is taken: %s", reason);
}

void log_disk_works(const char *which)
{
    log_info("the queue's disk works again: %s", which);
}
