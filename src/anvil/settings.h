/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ANVIL_SETTINGS_H
#define ANVIL_SETTINGS_H

#include "config/settings.h"

/* settings - the parameters that only anvil acts on. */
struct anvil_settings {
    struct duration rate_time_unit;
    struct duration status_update_time;
};

extern const struct settings_table anvil_settings_table;

#endif
