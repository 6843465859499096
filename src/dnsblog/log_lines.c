/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsblog/log_lines.h"

#include "log/log.h"

void log_listed(struct str client, struct str domain, struct str as)
{
    log_info("addr %.*s listed by domain %.*s as %.*s", STR_ARG(client), STR_ARG(domain), STR_ARG(as));
}

void log_lookup_error(struct str name, const char *reason)
{
    log_warning("dnsblog_query: lookup error for DNS query %.*s: %s", STR_ARG(name), reason);
}
