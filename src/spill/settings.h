/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPILL_SETTINGS_H
#define SPILL_SETTINGS_H

#include "config/settings.h"

/* settings - spill's parameters. */
struct spill_settings {
    bool use_syncfs;
};

extern const struct settings_table spill_settings_table;

#endif
