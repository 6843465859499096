/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SASL_LOG_LINES_H
#define SASL_LOG_LINES_H

#include "base/str.h"

/* log_lines - what the sasl service writes about who logs in, one function each. */

/* "warning: SASL authentication failure: Password verification failed": Cyrus SASL's own words. kind: "failure". */
void log_sasl_library(const char *kind, const char *text);
/* smtpd, or who speaks in its place, broke the protocol. */
void log_sasl_bad_client(const char *reason);
/* smtpd_sasl_path names no configuration file, or one whose service was not asked. */
void log_sasl_application(struct str wanted, struct str ours);

#endif
