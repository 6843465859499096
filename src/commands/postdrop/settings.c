/* SPDX-License-Identifier: Apache-2.0 */
#include "postdrop/settings.h"

static const struct setting rows[] = {
    SETTING_STRING(struct postdrop_settings, authorized_submit_users, "authorized_submit_users", "static:anyone", 0, 0,
                   "Users who may submit mail with the sendmail command."),
    SETTING_STRING(struct postdrop_settings, local_login_sender_maps, "local_login_sender_maps", "static:*", 0, 0,
                   "Tables by login name of the envelope senders that a user may give: addresses, names, \"@domain\", "
                   "\"*\"."),
    SETTING_STRING(struct postdrop_settings, empty_address_key, "empty_address_local_login_sender_maps_lookup_key",
                   "<>", 1, 0, "What stands for the null sender in the results of local_login_sender_maps."),
};

const struct settings_table postdrop_settings_table = SETTINGS_TABLE("postdrop", struct postdrop_settings, rows);
