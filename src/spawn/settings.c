/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn/settings.h"

static const struct setting rows[] = {
    SETTING_TIME(struct spawn_settings, command_time_limit, "command_time_limit", "1000s", 1, 0, 's',
                 "How long a command may take."),
    SETTING_TIME(struct spawn_settings, time_limit, "*_time_limit", "$command_time_limit", 1, 0, 's',
                 "How long a command of this service may take."),
    SETTING_LIST(struct spawn_settings, export_environment, "export_environment", "TZ MAIL_CONFIG LANG",
                 "The environment variables that commands outside get."),
};

const struct settings_table spawn_settings_table = SETTINGS_TABLE("spawn", struct spawn_settings, rows);
