/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTCONF_LOG_LINES_H
#define POSTCONF_LOG_LINES_H

#include "base/str.h"

/* log_lines - what the checks say that is no warning. */

/* place: "main.cf, line 3:". A parameter is set that nothing of ours can act on. */
void log_moot_parameter(struct str place, struct str name, struct str value, const char *reason);

#endif
