/* SPDX-License-Identifier: Apache-2.0 */
#include "postdrop/settings.h"

static const struct setting rows[] = {
    SETTING_STRING(struct postdrop_settings, authorized_submit_users, "authorized_submit_users", "static:anyone", 0, 0,
                   "Users who may submit mail with the sendmail command."),
};

const struct settings_table postdrop_settings_table = SETTINGS_TABLE("postdrop", struct postdrop_settings, rows);
