/* SPDX-License-Identifier: Apache-2.0 */
#include "pipe/settings.h"

static const struct setting rows[] = {
    SETTING_TIME(struct pipe_settings, command_time_limit, "command_time_limit", "1000s", 1, 0, 's',
                 "How long a command may take."),
    SETTING_TIME(struct pipe_settings, time_limit, "*_time_limit", "$command_time_limit", 1, 0, 's',
                 "How long a command of this service may take."),
    SETTING_LIST(struct pipe_settings, export_environment, "export_environment", "TZ MAIL_CONFIG LANG",
                 "The environment variables that commands outside get."),
    SETTING_BOOLEAN(struct pipe_settings, owner_request_special, "owner_request_special", "yes",
                    "Treat owner-name aliases, and name-request addresses, as mailing lists want."),
};

const struct settings_table pipe_settings_table = SETTINGS_TABLE("pipe", struct pipe_settings, rows);
