/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsmgr/settings.h"

#define OWNER struct tlsmgr_settings

static const struct setting rows[] = {
    SETTING_STRING(OWNER, default_cache_type, "default_cache_db_type", "lmdb", 1, 0,
                   "The type of the tables in which services keep what they have learned."),
    SETTING_STRING(OWNER, smtp_sessions, "smtp_tls_session_cache_database", "", 0, 0,
                   "Where TLS sessions with servers are kept for the next connection; empty: nowhere."),
    SETTING_STRING(OWNER, lmtp_sessions, "lmtp_tls_session_cache_database", "", 0, 0,
                   "Where TLS sessions with servers are kept for the next connection; empty: nowhere."),
    SETTING_STRING(OWNER, sts_policies, "smtp_tls_mta_sts_cache_database",
                   "$default_cache_db_type:$data_directory/mta_sts_cache", 0, 0,
                   "Where MTA-STS policies are kept; empty: in memory."),
};

const struct settings_table tlsmgr_settings_table = SETTINGS_TABLE("tlsmgr", struct tlsmgr_settings, rows);
