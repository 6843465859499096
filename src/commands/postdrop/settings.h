/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTDROP_SETTINGS_H
#define POSTDROP_SETTINGS_H

#include "config/settings.h"

/* settings - who may submit mail on this host, and in whose name. */
struct postdrop_settings {
    struct str authorized_submit_users;
    struct str local_login_sender_maps;
    struct str empty_address_key;
};

extern const struct settings_table postdrop_settings_table;

#endif
