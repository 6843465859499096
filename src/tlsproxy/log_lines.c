/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsproxy/log_lines.h"

#include "log/log.h"

void log_tls(const char *text)
{
    log_info("%s", text);
}

void log_tls_warning(const char *text)
{
    log_warning("%s", text);
}

void log_bad_server_name_value(struct str title, struct str name)
{
    log_warning("%.*s: the value of %.*s is no base64: make the table by postmap -F", STR_ARG(title), STR_ARG(name));
}

void log_table_trouble(struct str title, const char *reason)
{
    log_warning("%.*s: table lookup problem: %s", STR_ARG(title), reason);
}

void log_connect(struct str peer)
{
    log_info("CONNECT from %.*s", STR_ARG(peer));
}

void log_disconnect(struct str peer)
{
    log_info("DISCONNECT %.*s", STR_ARG(peer));
}
