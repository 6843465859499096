/* SPDX-License-Identifier: Apache-2.0 */
#include "anvil/settings.h"

#define OWNER struct anvil_settings

static const struct setting rows[] = {
    SETTING_TIME(OWNER, rate_time_unit, "anvil_rate_time_unit", "60s", 1, 0, 's',
                 "The time in which a client's connections, messages and recipients are counted for its rates."),
    SETTING_TIME(OWNER, status_update_time, "anvil_status_update_time", "600s", 1, 0, 's',
                 "How often the highest numbers are logged, with the clients that they belong to."),
};

const struct settings_table anvil_settings_table = SETTINGS_TABLE("anvil", struct anvil_settings, rows);
