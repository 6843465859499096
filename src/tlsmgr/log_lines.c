/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsmgr/log_lines.h"

#include "log/log.h"

void log_cache_problem(const char *text)
{
    log_warning("%s", text);
}

void log_cache_full(struct str name)
{
    if (str_is_empty(name))
        name = STR("internal:tlsmgr");
    log_warning("cache %.*s: full: nothing is added until entries end", STR_ARG(name));
}

void log_keys_lost(const char *reason)
{
    log_warning("ticket keys of the process before are lost: %s", reason);
}
