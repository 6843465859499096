/* SPDX-License-Identifier: Apache-2.0 */
#include "pickup/settings.h"

static const struct setting rows[] = {
    SETTING_STRING(struct pickup_settings, content_filter, "content_filter", "", 0, 0,
                   "transport:nexthop that new mail goes through before it is delivered."),
};

const struct settings_table pickup_settings_table = SETTINGS_TABLE("pickup", struct pickup_settings, rows);
