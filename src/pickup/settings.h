/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PICKUP_SETTINGS_H
#define PICKUP_SETTINGS_H

#include "config/settings.h"

/* settings - what main.cf says about mail from the command line. */
struct pickup_settings {
    struct str content_filter;
};

extern const struct settings_table pickup_settings_table;

#endif
