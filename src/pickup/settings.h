/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PICKUP_SETTINGS_H
#define PICKUP_SETTINGS_H

#include "config/settings.h"

/* settings - what pickup acts on, beside the shared ones. */
struct pickup_settings {
    struct str content_filter;
    struct strlist receive_override_options;
};

extern const struct settings_table pickup_settings_table;

#endif
