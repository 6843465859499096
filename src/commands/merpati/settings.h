/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_SETTINGS_H
#define MERPATI_SETTINGS_H

#include "config/settings.h"

/* settings - how "merpati logrotate" names and compresses. */
struct merpati_settings {
    struct str compressor;    /* a command; the file's name is added */
    struct str rotate_suffix; /* strftime(3) */
};

extern const struct settings_table merpati_settings_table;

#endif
