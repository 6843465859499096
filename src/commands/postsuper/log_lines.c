/* SPDX-License-Identifier: Apache-2.0 */
#include "postsuper/log_lines.h"

#include "log/log.h"

void log_changed(struct str queue_id, const char *change)
{
    log_info("%.*s: %s", STR_ARG(queue_id), change);
}

void log_summary(const char *change, size_t count)
{
    log_info("%s: %zu message%s", change, count, count == 1 ? "" : "s");
}

void log_given(const char *path)
{
    log_info("%s: given to the owner of the queue", path);
}
