/* SPDX-License-Identifier: Apache-2.0 */
#include "postlogd/settings.h"

static const char *const permission_names[] = { "0600", "0640", "0644", NULL };
const unsigned postlogd_permissions[] = { 0600, 0640, 0644 };

static const struct setting rows[] = {
    SETTING_LIST(struct postlogd_settings, maillog_file_prefixes, "maillog_file_prefixes", "/var, /dev/stdout",
                 "With what the name of maillog_file must begin."),
    SETTING_TIME(struct postlogd_settings, watchdog_timeout, "postlogd_watchdog_timeout", "10s", 1, 0, 's',
                 "A postlogd that cannot write for so long ends, and another takes its place."),
    SETTING_CHOICE(struct postlogd_settings, maillog_file_permissions, "maillog_file_permissions", "0600",
                   permission_names, "The mode of a maillog_file that postlogd makes."),
};

const struct settings_table postlogd_settings_table = SETTINGS_TABLE("postlogd", struct postlogd_settings, rows);
