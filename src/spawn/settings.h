/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPAWN_SETTINGS_H
#define SPAWN_SETTINGS_H

#include "config/settings.h"

struct spawn_settings {
    struct duration command_time_limit;
    struct duration time_limit; /* this service's own */
    struct strlist export_environment;
};

extern const struct settings_table spawn_settings_table;

#endif
