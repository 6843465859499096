/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/log_lines.h"

#include "log/log.h"

void log_moot_parameter(struct str place, struct str name, struct str value, const char *reason)
{
    log_info("%.*s %.*s = %.*s has nothing to do here: %s", STR_ARG(place), STR_ARG(name), STR_ARG(value), reason);
}
