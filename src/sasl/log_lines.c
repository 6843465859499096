/* SPDX-License-Identifier: Apache-2.0 */
#include "sasl/log_lines.h"

#include "log/log.h"

void log_sasl_library(const char *kind, const char *text)
{
    log_warning("SASL authentication %s: %s", kind, text);
}

void log_sasl_bad_client(const char *reason)
{
    log_warning("a client of this service broke the protocol: %s", reason);
}

void log_sasl_application(struct str wanted, struct str ours)
{
    log_warning("smtpd_sasl_path: \"%.*s\" is not what this service has read: \"%.*s\"; it must be a name of a "
                "configuration file, in main.cf or in a -o of master.cf",
                STR_ARG(wanted), STR_ARG(ours));
}
