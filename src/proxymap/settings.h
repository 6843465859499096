/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXYMAP_SETTINGS_H
#define PROXYMAP_SETTINGS_H

#include "config/settings.h"

struct proxymap_settings {
    struct strlist read_maps;  /* the tables that may be read are those with proxy: before their name */
    struct strlist write_maps; /* the same for changes */
    struct str proxywrite_service_name;
};

extern const struct settings_table proxymap_settings_table;

#endif
