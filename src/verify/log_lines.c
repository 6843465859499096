/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/log_lines.h"

#include "log/log.h"

void log_cache_cleaned(struct str name, bool is_partial, size_t retained, size_t dropped)
{
    if (str_is_empty(name))
        name = STR("internal:verify");
    log_info("cache %.*s %s cleanup: retained=%zu dropped=%zu entries", STR_ARG(name), is_partial ? "partial" : "full",
             retained, dropped);
}

void log_probe_problem(struct str address, const char *reason)
{
    log_warning("cannot send a probe to <%.*s>: %s", STR_ARG(address), reason);
}

void log_bad_entry(struct str text)
{
    log_warning("bad address verify table entry: %.*s", STR_ARG(text));
}

void log_cache_problem(const char *text)
{
    log_warning("%s", text);
}
