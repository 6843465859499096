/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTLOGD_SETTINGS_H
#define POSTLOGD_SETTINGS_H

#include "config/settings.h"

/* settings - postlogd's own parameters. */
struct postlogd_settings {
    struct strlist maillog_file_prefixes;
    struct duration watchdog_timeout;
};

extern const struct settings_table postlogd_settings_table;

#endif
