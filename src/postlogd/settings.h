/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTLOGD_SETTINGS_H
#define POSTLOGD_SETTINGS_H

#include "config/settings.h"

/* settings - postlogd's own parameters. */
struct postlogd_settings {
    struct strlist maillog_file_prefixes;
    struct duration watchdog_timeout;
    int maillog_file_permissions; /* place in postlogd_permissions */
};

/* The modes behind the choices of maillog_file_permissions. */
extern const unsigned postlogd_permissions[];
extern const struct settings_table postlogd_settings_table;

#endif
