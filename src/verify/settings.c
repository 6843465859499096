/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/settings.h"

#define OWNER struct verify_settings

static const struct setting rows[] = {
    SETTING_STRING(OWNER, default_cache_type, "default_cache_db_type", "lmdb", 1, 0,
                   "The type of the tables in which services keep what they have learned."),
    SETTING_STRING(OWNER, map, "address_verify_map", "$default_cache_db_type:$data_directory/verify_cache", 0, 0,
                   "Where the results of address probes are kept; empty: in memory."),
    SETTING_TIME(OWNER, positive_expire_time, "address_verify_positive_expire_time", "31d", 1, 0, 'd',
                 "How long a successful probe counts."),
    SETTING_TIME(OWNER, positive_refresh_time, "address_verify_positive_refresh_time", "7d", 1, 0, 'd',
                 "The age at which a successful probe is made again, while it still counts."),
    SETTING_TIME(OWNER, negative_expire_time, "address_verify_negative_expire_time", "3d", 1, 0, 'd',
                 "How long a failed probe counts."),
    SETTING_TIME(OWNER, negative_refresh_time, "address_verify_negative_refresh_time", "3h", 1, 0, 'h',
                 "The age at which a failed probe is made again, while it still counts."),
    SETTING_BOOLEAN(OWNER, keeps_negative, "address_verify_negative_cache", "yes",
                    "Remember failed probes; no: each is told once, and the next question makes a new one."),
    SETTING_TIME(OWNER, cleanup_interval, "address_verify_cache_cleanup_interval", "12h", 0, 0, 'h',
                 "The time between two searches for results that do not count any more; 0: never."),
    SETTING_STRING(OWNER, sender, "address_verify_sender", "$double_bounce_sender", 0, 0,
                   "The sender of address probes; empty or <>: the null sender."),
    SETTING_TIME(OWNER, sender_ttl, "address_verify_sender_ttl", "0s", 0, 0, 's',
                 "How often a part of that sender's name changes; 0: never."),
};

const struct settings_table verify_settings_table = SETTINGS_TABLE("verify", struct verify_settings, rows);
