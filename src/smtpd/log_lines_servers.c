/* SPDX-License-Identifier: Apache-2.0 */
/* Lines about the servers that smtpd asks: policy services and proxy filters. */
#include "log/log.h"
#include "smtpd/log_lines.h"

void log_policy_misnamed(const char *reason)
{
    log_warning("check_policy_service: %s", reason);
}

void log_policy_connect_failed(struct str server, const char *reason)
{
    log_warning("connect to %.*s: %s", STR_ARG(server), reason);
}

void log_policy_timeout(struct str server, const char *what)
{
    log_warning("timeout on %.*s while reading input attribute %s", STR_ARG(server), what);
}

void log_policy_premature_end(struct str server, const char *what)
{
    log_warning("premature end-of-input on %.*s while reading input attribute %s", STR_ARG(server), what);
}

void log_policy_without_action(struct str server)
{
    log_warning("missing attribute action in input from %.*s", STR_ARG(server));
}

void log_policy_problem(struct str server, const char *reason)
{
    log_warning("problem talking to server %.*s: %s", STR_ARG(server), reason);
}

void log_policy_empty(struct str place)
{
    log_warning("access table %.*s entry  has empty value", STR_ARG(place));
}

void log_proxy_connect_failed(struct str place, const char *reason)
{
    log_warning("connect to proxy filter %.*s: %s", STR_ARG(place), reason);
}

void log_proxy_timeout(struct str place)
{
    log_warning("timeout talking to proxy %.*s", STR_ARG(place));
}

void log_proxy_lost(struct str place)
{
    log_warning("lost connection with proxy %.*s", STR_ARG(place));
}

void log_proxy_rejected(struct str place, struct str command, struct str reply)
{
    log_warning("proxy %.*s rejected \"%.*s\": \"%.*s\"", STR_ARG(place), STR_ARG(command), STR_ARG(reply));
}

void log_proxy_reply_too_long(struct str place, size_t limit, struct str line)
{
    log_warning("%.*s: response longer than %zu: %.*s...", STR_ARG(place), limit, STR_ARG(str_part(line, 0, 30)));
}

void log_proxy_unasked(struct str place, struct str input)
{
    log_warning("proxy %.*s answered before it was asked: \"%.*s\"", STR_ARG(place), STR_ARG(str_part(input, 0, 100)));
}

void log_action_unavailable(struct str table, struct str action)
{
    log_warning("access table %.*s: with smtpd_proxy_filter specified, action %.*s is unavailable", STR_ARG(table),
                STR_ARG(action));
}
