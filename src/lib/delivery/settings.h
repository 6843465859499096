/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_SETTINGS_H
#define DELIVERY_SETTINGS_H

#include "config/settings.h"

/* settings - the parameters that every delivery agent acts on, beside its own and the shared ones. */
struct delivery_settings {
    int delay_logging_resolution_limit;
};

extern const struct settings_table delivery_settings_table;

#endif
