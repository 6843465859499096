/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLSMGR_SETTINGS_H
#define TLSMGR_SETTINGS_H

#include "config/settings.h"

/* settings - what tlsmgr acts on, beside the shared ones. */
struct tlsmgr_settings {
    struct str default_cache_type;
    struct str smtp_sessions;
    struct str lmtp_sessions;
    struct str sts_policies;
};

extern const struct settings_table tlsmgr_settings_table;

#endif
