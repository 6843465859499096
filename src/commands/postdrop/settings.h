/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTDROP_SETTINGS_H
#define POSTDROP_SETTINGS_H

#include "config/settings.h"

/* settings - who may submit mail on this host. */
struct postdrop_settings {
    struct str authorized_submit_users;
};

extern const struct settings_table postdrop_settings_table;

#endif
