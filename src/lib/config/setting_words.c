/* SPDX-License-Identifier: Apache-2.0 */
#include "config/setting_words.h"

#include <stddef.h>

const char *const setting_words_locks[] = { "flock", "fcntl", "dotlock", NULL };

const char *const setting_words_extensions[] = {
    "canonical", "virtual", "alias", "forward", "include", "generic", NULL
};

const char *const setting_words_notices[] = { "bounce",   "2bounce",  "data",     "delay", "policy",
                                              "protocol", "resource", "software", NULL };

const char *const setting_words_addresses[] = { "envelope_sender", "envelope_recipient", "header_sender",
                                                "header_recipient", NULL };

const char *const setting_words_overrides[] = { "no_unknown_recipient_checks", "no_address_mappings",
                                                "no_header_body_checks", "no_milters", NULL };

const char *const setting_words_expansions[] = { "alias", "forward", "include", NULL };

const char *const setting_words_deliveries[] = { "command", "file", "forward", NULL };

const char *const setting_words_lookups[] = { "dns", "native", NULL };

const char *const setting_words_resolver[] = { "res_defnames", "res_dnsrch", NULL };

const char *const setting_words_workarounds[] = { "disable_esmtp", "delay_dotcrlf", NULL };

const char *const setting_words_origins[] = { "sendmail", "smtpd",  "qmqpd", "forward", "bounce",
                                              "notify",   "verify", "all",   NULL };

const char *const setting_words_internal_mail[] = { "bounce", "notify", NULL };
