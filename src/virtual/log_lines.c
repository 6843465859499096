/* SPDX-License-Identifier: Apache-2.0 */
#include "virtual/log_lines.h"

#include "log/log.h"

void virtual_log_fault(const char *fault)
{
    log_warning("%s", fault);
}

void virtual_log_number_absent(struct str address, struct str maps)
{
    log_warning("recipient %.*s: not found in %.*s", STR_ARG(address), STR_ARG(maps));
}

void virtual_log_number_bad(struct str address, const char *what, struct str value, struct str maps)
{
    log_warning("recipient %.*s: bad %s %.*s in %.*s", STR_ARG(address), what, STR_ARG(value), STR_ARG(maps));
}

void virtual_log_table_trouble(struct str maps, struct str address, const char *reason)
{
    log_warning("table %.*s: lookup %.*s: %s", STR_ARG(maps), STR_ARG(address), reason);
}

void virtual_log_maildir_access(const struct rights *owner, const char *reason)
{
    log_warning("maildir access problem for UID/GID=%u/%u: %s", (unsigned) owner->uid, (unsigned) owner->gid, reason);
    log_warning("perhaps you need to create the maildirs in advance");
}
