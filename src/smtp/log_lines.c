/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/log_lines.h"

#include "log/log.h"

enum { STRANGE_MAX = 100 };

void smtp_log_connect_failed(struct str text)
{
    log_info("%.*s", STR_ARG(text));
}

void smtp_log_bind_failed(struct str address, const char *reason)
{
    log_warning("smtp_connect_addr: bind %.*s: %s", STR_ARG(address), reason);
}

void smtp_log_host_failed(struct str queue_id, struct str text)
{
    log_info("%.*s: %.*s", STR_ARG(queue_id), STR_ARG(text));
}

void smtp_log_greeted_with_own_name(struct str host, struct str name)
{
    log_warning("host %.*s greeted me with my own hostname %.*s", STR_ARG(host), STR_ARG(name));
}

void smtp_log_helo_with_own_name(struct str host, struct str name)
{
    log_warning("host %.*s replied to HELO/EHLO with my own hostname %.*s", STR_ARG(host), STR_ARG(name));
}

void smtp_log_strange_reply(struct str host, struct str text)
{
    log_warning("non-ESMTP response from %.*s: %.*s", STR_ARG(host), STR_ARG(str_part(text, 0, STRANGE_MAX)));
}

void smtp_log_no_mx_address(struct str domain)
{
    log_warning("no MX host for %.*s has a valid address record", STR_ARG(domain));
}

void smtp_log_unreadable(struct str queue_id, const char *reason)
{
    log_warning("%.*s: the message could not be read: %s", STR_ARG(queue_id), reason);
}

void smtp_log_not_mapped(struct str queue_id, const char *reason)
{
    log_warning("%.*s: address rewriting problem: %s", STR_ARG(queue_id), reason);
}
