/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPE_SETTINGS_H
#define PIPE_SETTINGS_H

#include "config/settings.h"

struct pipe_settings {
    struct duration command_time_limit;
    struct duration time_limit; /* this service's own */
    struct strlist export_environment;
    bool owner_request_special;
};

extern const struct settings_table pipe_settings_table;

#endif
