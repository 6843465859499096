/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MILTER_SETTINGS_H
#define MILTER_SETTINGS_H

#include "config/settings.h"

/*
 * settings - the parameters of whoever speaks with milters: smtpd, cleanup, and proxymap, which connects for cleanup.
 */

/* When a milter's macros are sent: in the order of libmilter's SMFIM_ numbers, then the one that it has none for. */
enum milter_stage {
    MILTER_STAGE_CONNECT,
    MILTER_STAGE_HELO,
    MILTER_STAGE_MAIL,
    MILTER_STAGE_RCPT,
    MILTER_STAGE_DATA,
    MILTER_STAGE_END_OF_MESSAGE,
    MILTER_STAGE_END_OF_HEADERS,
    MILTER_STAGE_UNKNOWN_COMMAND,
    MILTER_STAGE_COUNT,
};

struct milter_settings {
    struct str non_smtpd_milters; /* list of milters, see service.h */
    struct duration connect_timeout;
    struct duration command_timeout;
    struct duration content_timeout;
    struct str protocol;       /* "6", "2 no_header_reply" */
    struct str default_action; /* a word of enum milter_default */
    struct str connect_macros;
    struct str helo_macros;
    struct str mail_macros;
    struct str rcpt_macros;
    struct str data_macros;
    struct str end_of_header_macros;
    struct str end_of_data_macros;
    struct str unknown_command_macros;
    struct str macro_daemon_name;
    struct str macro_v;
    struct str macro_defaults; /* name=value or {name=value}, ... */
};

extern const struct settings_table milter_settings_table;

/* The names of the macros of a stage. */
struct str milter_settings_macros(const struct milter_settings *settings, enum milter_stage stage);

#endif
