/* SPDX-License-Identifier: Apache-2.0 */
#include "config/moot_parameters.h"

#include "base/compiler.h"

#include <stdlib.h>

#define CONNECTION_CACHE "the SMTP client keeps its connections itself: see smtp_connection_cache_time_limit"
#define CYRUS_CLIENT "libsasl2 finds its settings itself: see cyrus_sasl_config_path"
#define FLUSH_KEEPS_NOTHING "flush keeps no files: the queue manager knows what there is for a site"
#define INFORMATION "it tells where things were installed, and no program reads it"
#define INTERNAL_CHANNELS "programs share channels that stay open as long as both ends live: see ipc_timeout"
#define NO_LIBDB "hash: and btree: files are written and read without Berkeley DB's library"
#define NO_MIGRATION "hash: and btree: tables work as they do: there is nothing to migrate from"
#define NO_QMQPD "there is no qmqpd: mail comes in by SMTP or by sendmail"
#define RANDOMNESS "OpenSSL takes what is random from the system"
#define SESSIONS "clients keep their sessions themselves, in tickets: see smtpd_tls_session_cache_timeout"
#define TLS_IN_TLSPROXY "tlsproxy shakes hands for postscreen: see tlsproxy_tls_*"
#define TLS_IN_SMTP "the SMTP client speaks TLS itself, and uses its sessions again: see smtp_tls_*"
#define NO_DUMPS "no handshake is dumped into the log: levels 3 and 4 are as 2"
#define NO_OLD_RENEGOTIATION "OpenSSL 3 does not speak with servers that can be attacked so (RFC 5746)"
#define NO_WEAK_GRADES "the grades low and export are medium's: see tls_medium_cipherlist"
#define NO_RAW_KEYS "OpenSSL 3.0 knows no raw public keys, without which Postfix does nothing here either"
#define OLD "Postfix does not act on it any more"

/* In order of name, for the search by halves. */
/* clang-format off */
static const struct moot_parameter parameters[] = {
    { "application_event_drain_time", "what asks a service to wake up waits for nobody to listen" },
    { "backwards_bounce_logfile_compatibility", "why mail was deferred or returned stands in its queue file alone" },
    { "berkeley_db_create_buffer_size", NO_LIBDB },
    { "berkeley_db_read_buffer_size", NO_LIBDB },
    { "connection_cache_protocol_timeout", CONNECTION_CACHE },
    { "connection_cache_service_name", CONNECTION_CACHE },
    { "connection_cache_status_update_time", CONNECTION_CACHE },
    { "dns_ncache_ttl_fix_enable", "the resolver reads the TTL of negative answers itself" },
    { "dont_remove", "what is delivered is not kept: hold a message with postsuper -h, or copy with always_bcc" },
    { "enable_errors_to", OLD },
    { "extract_recipient_limit", OLD },
    { "fast_flush_purge_time", FLUSH_KEEPS_NOTHING },
    { "fast_flush_refresh_time", FLUSH_KEEPS_NOTHING },
    { "fault_injection_code", "it is for tests of Postfix itself" },
    { "fork_attempts", "a process that cannot be started is tried again: see service_throttle_time" },
    { "fork_delay", "a process that cannot be started is tried again: see service_throttle_time" },
    { "html_directory", INFORMATION },
    { "in_flow_delay", "a full journal slows clients down: see spool_journal_limit" },
    { "ipc_idle", INTERNAL_CHANNELS },
    { "ipc_ttl", INTERNAL_CHANNELS },
    { "lmdb_map_size", "a table may grow to 64 GB" },
    { "lmtp_cache_connection", "it is lmtp_connection_cache_on_demand's older name, without effect in Postfix too" },
    { "lmtp_sasl_path", CYRUS_CLIENT },
    { "lmtp_tls_block_early_mail_reply", NO_OLD_RENEGOTIATION },
    { "lmtp_tls_connection_reuse", "sessions are kept and used again under TLS, too: see lmtp_connection_cache_on_demand" },
    { "lmtp_tls_enable_rpk", NO_RAW_KEYS },
    { "lmtp_tls_trace_size_limit", NO_DUMPS },
    { "mail_release_date", "mail_version tells more" },
    { "mailq_path", INFORMATION },
    { "manpage_directory", INFORMATION },
    { "maps_rbl_domains", OLD },
    { "newaliases_path", INFORMATION },
    { "non_bdb_custom_mapping", NO_MIGRATION },
    { "non_bdb_migration_allow_root_prefixes", NO_MIGRATION },
    { "non_bdb_migration_allow_user_prefixes", NO_MIGRATION },
    { "non_bdb_migration_level", NO_MIGRATION },
    { "non_bdb_migration_log_redirect", NO_MIGRATION },
    { "non_bdb_migration_service_name", NO_MIGRATION },
    { "openssl_path", "merpati tls has OpenSSL's library in itself" },
    { "postscreen_expansion_filter", "what is expanded in footers is made printable" },
    { "postscreen_starttls_timeout", TLS_IN_TLSPROXY },
    { "postscreen_tls_CAfile", TLS_IN_TLSPROXY },
    { "postscreen_tls_CApath", TLS_IN_TLSPROXY },
    { "postscreen_tls_always_issue_session_ids", TLS_IN_TLSPROXY },
    { "postscreen_tls_ask_ccert", TLS_IN_TLSPROXY },
    { "postscreen_tls_ccert_verifydepth", TLS_IN_TLSPROXY },
    { "postscreen_tls_cert_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_chain_files", TLS_IN_TLSPROXY },
    { "postscreen_tls_ciphers", TLS_IN_TLSPROXY },
    { "postscreen_tls_dcert_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_dh1024_param_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_dh512_param_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_dkey_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_eccert_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_eckey_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_eecdh_grade", TLS_IN_TLSPROXY },
    { "postscreen_tls_enable_rpk", TLS_IN_TLSPROXY },
    { "postscreen_tls_exclude_ciphers", TLS_IN_TLSPROXY },
    { "postscreen_tls_fingerprint_digest", TLS_IN_TLSPROXY },
    { "postscreen_tls_key_file", TLS_IN_TLSPROXY },
    { "postscreen_tls_loglevel", TLS_IN_TLSPROXY },
    { "postscreen_tls_loglevel_maps", TLS_IN_TLSPROXY },
    { "postscreen_tls_mandatory_ciphers", TLS_IN_TLSPROXY },
    { "postscreen_tls_mandatory_exclude_ciphers", TLS_IN_TLSPROXY },
    { "postscreen_tls_mandatory_protocols", TLS_IN_TLSPROXY },
    { "postscreen_tls_protocols", TLS_IN_TLSPROXY },
    { "postscreen_tls_req_ccert", TLS_IN_TLSPROXY },
    { "postscreen_tls_trace_size_limit", TLS_IN_TLSPROXY },
    { "process_id_directory", "master's process id is in pid/master.pid" },
    { "qmgr_fudge_factor", "it is for Postfix's older queue manager, oqmgr, whose name means qmgr here" },
    { "qmqpd_authorized_clients", NO_QMQPD },
    { "qmqpd_client_port_logging", NO_QMQPD },
    { "qmqpd_error_delay", NO_QMQPD },
    { "qmqpd_timeout", NO_QMQPD },
    { "queue_file_attribute_count_limit", "a message has only attributes that Merpati knows" },
    { "readme_directory", INFORMATION },
    { "sample_directory", INFORMATION },
    { "sender_based_routing", OLD },
    { "sendmail_path", INFORMATION },
    { "smtp_sasl_path", CYRUS_CLIENT },
    { "smtp_skip_4xx_greeting", "a greeting of 4xx always leads to the next host" },
    { "smtp_tls_block_early_mail_reply", NO_OLD_RENEGOTIATION },
    { "smtp_tls_cipherlist", OLD },
    { "smtp_tls_connection_reuse", "sessions are kept and used again under TLS, too: see smtp_connection_cache_on_demand" },
    { "smtp_tls_enable_rpk", NO_RAW_KEYS },
    { "smtp_tls_trace_size_limit", NO_DUMPS },
    { "smtpd_sasl_application_name", OLD },
    { "smtpd_tls_always_issue_session_ids", SESSIONS },
    { "smtpd_tls_cipherlist", OLD },
    { "smtpd_tls_dh512_param_file", OLD },
    { "smtpd_tls_eecdh_grade", OLD },
    { "smtpd_tls_enable_rpk", NO_RAW_KEYS },
    { "smtpd_tls_session_cache_database", SESSIONS },
    { "smtpd_tls_trace_size_limit", NO_DUMPS },
    { "tls_daemon_random_bytes", RANDOMNESS },
    { "tls_dane_digest_agility", OLD },
    { "tls_dane_trust_anchor_digest_enable", OLD },
    { "tls_eecdh_strong_curve", OLD },
    { "tls_eecdh_ultra_curve", OLD },
    { "tls_export_cipherlist", NO_WEAK_GRADES },
    { "tls_fast_shutdown_enable", "who ends a session under TLS says so, and waits for no answer" },
    { "tls_low_cipherlist", NO_WEAK_GRADES },
    { "tls_random_bytes", RANDOMNESS },
    { "tls_random_exchange_name", RANDOMNESS },
    { "tls_random_prng_update_period", RANDOMNESS },
    { "tls_random_reseed_period", RANDOMNESS },
    { "tls_random_source", RANDOMNESS },
    { "tlsproxy_client_CAfile", TLS_IN_SMTP },
    { "tlsproxy_client_CApath", TLS_IN_SMTP },
    { "tlsproxy_client_cert_file", TLS_IN_SMTP },
    { "tlsproxy_client_chain_files", TLS_IN_SMTP },
    { "tlsproxy_client_dcert_file", TLS_IN_SMTP },
    { "tlsproxy_client_dkey_file", TLS_IN_SMTP },
    { "tlsproxy_client_eccert_file", TLS_IN_SMTP },
    { "tlsproxy_client_eckey_file", TLS_IN_SMTP },
    { "tlsproxy_client_enforce_tls", TLS_IN_SMTP },
    { "tlsproxy_client_fingerprint_digest", TLS_IN_SMTP },
    { "tlsproxy_client_key_file", TLS_IN_SMTP },
    { "tlsproxy_client_level", TLS_IN_SMTP },
    { "tlsproxy_client_loglevel", TLS_IN_SMTP },
    { "tlsproxy_client_loglevel_parameter", TLS_IN_SMTP },
    { "tlsproxy_client_per_site", TLS_IN_SMTP },
    { "tlsproxy_client_policy", TLS_IN_SMTP },
    { "tlsproxy_client_policy_maps", TLS_IN_SMTP },
    { "tlsproxy_client_scert_verifydepth", TLS_IN_SMTP },
    { "tlsproxy_client_security_level", TLS_IN_SMTP },
    { "tlsproxy_client_use_tls", TLS_IN_SMTP },
    { "tlsproxy_tls_always_issue_session_ids", SESSIONS },
    { "tlsproxy_tls_dh512_param_file", OLD },
    { "tlsproxy_tls_eecdh_grade", OLD },
    { "tlsproxy_tls_enable_rpk", NO_RAW_KEYS },
    { "tlsproxy_tls_session_cache_timeout", OLD },
    { "trigger_timeout", "who wakes a service up waits for nothing" },
};
/* clang-format on */

static int compare(const void *name, const void *parameter)
{
    const struct moot_parameter *listed = parameter;

    return str_compare(*(const struct str *) name, str_from_c(listed->name));
}

const struct moot_parameter *moot_parameter_find(struct str name)
{
    return bsearch(&name, parameters, ARRAY_COUNT(parameters), sizeof(parameters[0]), compare);
}

size_t moot_parameter_count(void)
{
    return ARRAY_COUNT(parameters);
}

const struct moot_parameter *moot_parameter_at(size_t index)
{
    return &parameters[index];
}
