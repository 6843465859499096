/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SASL_SETTINGS_H
#define SASL_SETTINGS_H

#include "config/settings.h"

struct sasl_service_settings {
    struct str config_path;
    struct str application; /* whose file is read before rights are given up */
};

extern const struct settings_table sasl_settings_table;

#endif
