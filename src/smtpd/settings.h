/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_SETTINGS_H
#define SMTPD_SETTINGS_H

#include "config/policy_service.h"
#include "config/settings.h"

/*
 * settings - the parameters that only smtpd acts on. Lists that restrictions and tables are made from are kept as
 * expanded text: their elements may hold braces, which table_list_next_word keeps together.
 */
enum bare_newline_policy {
    BARE_NEWLINE_NO,
    BARE_NEWLINE_YES, /* as normalize */
    BARE_NEWLINE_NORMALIZE,
    BARE_NEWLINE_NOTE,
    BARE_NEWLINE_REJECT,
};

enum upstream_proxy_protocol {
    UPSTREAM_PROXY_NONE,
    UPSTREAM_PROXY_HAPROXY,
};

enum sasl_type {
    SASL_CYRUS,
    SASL_DOVECOT,
};

struct sasl_settings {
    bool auth_enable;
    int type; /* enum sasl_type */
    struct str path;
    struct str service;
    struct str local_domain;
    struct strlist security_options, tls_security_options;
    struct str mechanism_filter;
    struct str exceptions_networks;
    bool authenticated_header;
    bool broken_clients;
    int response_limit;
};

/* TLS, but for what lib/tls has for all. */
struct encryption_settings {
    int security_level; /* enum encryption_level + 1; 0: not said */
    bool use, enforce;  /* the older way to say it */
    bool wrapper_mode;
    struct str chain_files;
    struct str certificate_file;
    struct str key_file;
    struct str dsa_certificate_file;
    struct str dsa_key_file;
    struct str ec_certificate_file;
    struct str ec_key_file;
    struct str ca_file;
    struct str ca_path;
    bool ask_certificate;
    bool require_certificate;
    int verify_depth;
    struct str fingerprint_digest;
    struct str protocols;
    struct str mandatory_protocols;
    struct str ciphers;
    struct str mandatory_ciphers;
    struct str exclude_ciphers;
    struct str mandatory_exclude_ciphers;
    struct str dh_file;
    int log_level;
    bool received_header;
    struct duration session_lifetime;
    struct duration handshake_timeout;
    struct str relay_clientcerts;
};

struct smtpd_settings {
    struct str banner;
    struct str stress;
    struct str restriction_classes;
    struct str client_restrictions;
    struct str helo_restrictions;
    struct str sender_restrictions;
    struct str relay_restrictions;
    struct str recipient_restrictions;
    struct str data_restrictions;
    struct str end_of_data_restrictions;
    struct str etrn_restrictions;
    bool relay_before_recipient_restrictions;
    bool delay_reject;
    bool helo_required;
    bool peername_lookup;
    bool client_port_logging;
    bool disable_vrfy_command;
    bool strict_rfc821_envelopes;
    bool allow_untrusted_routing;
    bool reject_unlisted_recipient;
    bool reject_unlisted_sender;
    bool show_user_unknown_table_name;
    bool forbid_unauth_pipelining;
    int forbid_bare_newline; /* enum bare_newline_policy */
    struct str forbid_bare_newline_exclusions;
    int forbid_bare_newline_reject_code;
    struct str discard_ehlo_keywords;
    struct str discard_ehlo_keyword_address_maps;
    struct str old_authorized_verp_clients; /* authorized_verp_clients */
    struct str authorized_verp_clients;
    struct str authorized_xclient_hosts;
    struct str authorized_xforward_hosts;
    int client_connection_count_limit;
    int client_connection_rate_limit;
    int client_message_rate_limit;
    int client_recipient_rate_limit;
    int client_auth_rate_limit;
    int client_new_tls_session_rate_limit;
    int client_ipv4_prefix_length;
    int client_ipv6_prefix_length;
    struct str old_client_limit_exceptions; /* smtpd_client_connection_limit_exceptions */
    struct str client_event_limit_exceptions;
    int upstream_proxy_protocol; /* enum upstream_proxy_protocol */
    struct str upstream_proxy_networks;
    struct duration upstream_proxy_timeout;
    struct strlist notify_classes;
    struct str bounce_notice_recipient;
    struct str error_notice_recipient;
    int history_flush_threshold;
    struct str noop_commands;
    struct str forbidden_commands;
    struct str command_filter;
    bool delay_open_until_valid_rcpt;
    bool hide_client_session;
    struct str reject_filter_maps;
    struct str reject_footer;
    struct str reject_footer_maps;
    struct str null_access_lookup_key;
    struct str log_access_permit_actions;
    struct str local_header_rewrite_clients;
    struct str proxy_filter;
    struct strlist proxy_options; /* speed_adjust, or nothing */
    struct duration proxy_timeout;
    struct str proxy_ehlo;
    bool replaces_stray_cr; /* cleanup_replace_stray_cr_lf */
    struct str content_filter;
    struct strlist receive_override_options;
    struct str milters; /* see milter/service.h */
    struct str milter_maps;
    bool resolve_null_domain;
    bool resolve_numeric_domain;

    struct duration timeout;
    bool per_request_deadline;
    int min_data_rate;
    struct duration error_sleep_time;
    int soft_error_limit;
    int hard_error_limit;
    int junk_command_limit;
    int recipient_limit;
    int recipient_overshoot_limit;

    struct str local_recipient_maps;
    struct str virtual_alias_maps;
    struct str virtual_mailbox_maps;
    struct str relay_recipient_maps;
    struct str canonical_maps;
    struct str recipient_canonical_maps;

    struct policy_settings policy_service; /* what check_policy_service itself may say otherwise */

    struct sasl_settings sasl;
    bool tls_auth_only;
    struct encryption_settings tls;

    int verify_poll_count;
    struct duration verify_poll_delay;
    struct str verify_sender;
    struct duration verify_sender_ttl;
    struct str reject_tempfail_action;
    int unverified_sender_reject_code;
    int unverified_sender_defer_code;
    struct str unverified_sender_reject_reason;
    struct str unverified_sender_tempfail_action;
    int unverified_recipient_reject_code;
    int unverified_recipient_defer_code;
    struct str unverified_recipient_reject_reason;
    struct str unverified_recipient_tempfail_action;

    int reject_code;
    int defer_code;
    int unknown_client_reject_code;
    int unknown_hostname_reject_code;
    int unknown_address_reject_code;
    int invalid_hostname_reject_code;
    int non_fqdn_reject_code;
    int multi_recipient_bounce_reject_code;
    int plaintext_reject_code;
    struct str unknown_helo_hostname_tempfail_action;
    struct str unknown_address_tempfail_action;
    struct str sender_login_maps;
    struct str permit_mx_backup_networks;
    struct str dns_reply_filter;
    int maps_rbl_reject_code;
    struct str default_rbl_reply;
    struct str rbl_reply_maps;
    struct str expansion_filter;
    int access_map_reject_code;
    int access_map_defer_code;
    int relay_domains_reject_code;
    int unknown_local_recipient_reject_code;
    int unknown_relay_recipient_reject_code;
    int unknown_virtual_alias_reject_code;
    int unknown_virtual_mailbox_reject_code;
};

extern const struct settings_table smtpd_settings_table;

#endif
