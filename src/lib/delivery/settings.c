/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/settings.h"

static const struct setting rows[] = {
    SETTING_INTEGER(struct delivery_settings, delay_logging_resolution_limit, "delay_logging_resolution_limit", "2", 0,
                    6, "The largest number of digits after the point in logged delays."),
};

const struct settings_table delivery_settings_table = SETTINGS_TABLE("delivery", struct delivery_settings, rows);
