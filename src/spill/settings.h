/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPILL_SETTINGS_H
#define SPILL_SETTINGS_H

#include "config/settings.h"

/*
 * settings - what an administrator may say to spill: only whether it may trust syncfs.
 */
struct spill_settings {
    bool use_syncfs;
};

extern const struct settings_table spill_settings_table;

#endif
