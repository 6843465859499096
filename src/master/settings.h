/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_SETTINGS_H
#define MASTER_SETTINGS_H

#include "config/settings.h"

/* settings - master's own parameters. */
struct master_settings {
    int service_workers; /* 0: as many as there are CPUs */
    struct duration service_throttle_time;
    struct duration service_stop_limit;
    struct duration service_stop_session_limit;
    struct duration service_retire_limit;
    int service_generation_limit;
    struct strlist master_service_disable;
};

extern const struct settings_table master_settings_table;

#endif
