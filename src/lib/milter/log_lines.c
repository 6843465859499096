/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/log_lines.h"

#include "log/log.h"

void log_milter_connect_failed(struct str name, const char *reason)
{
    log_warning("connect to Milter service %.*s: %s", STR_ARG(name), reason);
}

void log_milter_trouble(struct str name, const char *text)
{
    log_warning("milter %.*s: %s", STR_ARG(name), text);
}
