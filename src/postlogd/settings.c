/* SPDX-License-Identifier: Apache-2.0 */
#include "postlogd/settings.h"

static const struct setting rows[] = {
    SETTING_LIST(struct postlogd_settings, maillog_file_prefixes, "maillog_file_prefixes", "/var, /dev/stdout",
                 "With what the name of maillog_file must begin."),
    SETTING_TIME(struct postlogd_settings, watchdog_timeout, "postlogd_watchdog_timeout", "10s", 1, 0, 's',
                 "A postlogd that cannot write for so long ends, and another takes its place."),
};

const struct settings_table postlogd_settings_table = SETTINGS_TABLE("postlogd", struct postlogd_settings, rows);
