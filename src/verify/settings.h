/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_SETTINGS_H
#define VERIFY_SETTINGS_H

#include "config/settings.h"

/* settings - what verify acts on, beside the shared ones. */
struct verify_settings {
    struct str map;
    struct duration positive_expire_time;
    struct duration positive_refresh_time;
    struct duration negative_expire_time;
    struct duration negative_refresh_time;
    bool keeps_negative;
    struct duration cleanup_interval;
    struct str sender;
    struct duration sender_ttl;
    struct str default_cache_type;
};

extern const struct settings_table verify_settings_table;

#endif
