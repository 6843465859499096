/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_SETTINGS_H
#define SMTP_SETTINGS_H

#include "smtp/encryption_settings.h"

/* settings - the parameters that only the SMTP client, or as lmtp the LMTP client, acts on. */
enum smtp_address_preference {
    SMTP_PREFER_ANY,
    SMTP_PREFER_IPV4,
    SMTP_PREFER_IPV6,
};

/* How far an address probe goes. */
enum verify_target {
    VERIFY_TARGET_RCPT,
    VERIFY_TARGET_DATA,
};

enum dns_support_level {
    DNS_SUPPORT_AS_BEFORE, /* disable_dns_lookups decides */
    DNS_SUPPORT_DISABLED,
    DNS_SUPPORT_ENABLED,
    DNS_SUPPORT_DNSSEC,
};

struct smtp_settings {
    /* where to */
    struct str tcp_port;
    struct strlist host_lookup;
    struct strlist fallback_relay;
    struct strlist relayhost; /* this and the next of smtp only */
    struct str best_mx_transport;
    struct strlist use_srv_lookup;
    bool allow_srv_lookup_fallback;
    bool ignore_srv_lookup_error;
    struct str dns_reply_filter;
    int dns_support_level; /* enum dns_support_level */
    struct str dnssec_probe;
    struct strlist dns_resolver_options;
    bool cname_overrides_servername;
    bool disable_dns_lookups;
    bool ignore_mx_lookup_error;
    bool idna2003; /* enable_idna2003_compatibility */
    bool defer_if_no_mx_address_found;
    bool randomize_addresses;
    bool balance_inet_protocols;
    int address_preference;
    int mx_address_limit;
    int mx_session_limit;
    struct str bind_address;
    struct str bind_address6;
    bool bind_address_enforce;

    /* how */
    struct str helo_name;
    bool always_send_ehlo; /* this and the next of smtp only */
    bool never_send_ehlo;
    bool skip_5xx_greeting;
    bool skip_quit_response;
    bool quote_envelope;
    bool assume_final; /* of lmtp only */
    struct strlist discard_ehlo_keywords;
    struct str discard_ehlo_keyword_address_maps;
    struct str reply_filter;
    struct strlist pix_workarounds;
    struct str pix_workaround_maps;
    struct duration pix_workaround_threshold_time;
    struct duration pix_workaround_delay_time;
    bool send_xforward_command;
    int line_length_limit;
    bool disable_mime_output_conversion;
    struct str header_checks;
    struct str mime_header_checks;
    struct str nested_header_checks;
    struct str body_checks;

    struct encryption_settings tls;
    struct duration minimal_backoff_time;

    /* logging in */
    bool sasl_auth_enable;
    int sasl_type; /* cyrus, the only one */
    struct str sasl_password_maps;
    struct str sasl_password_result_delimiter;
    bool sender_dependent_authentication;
    struct str sasl_mechanism_filter;
    struct strlist sasl_security_options;
    struct strlist sasl_tls_security_options;
    struct strlist sasl_tls_verified_security_options;
    bool sasl_auth_soft_bounce;
    struct str sasl_auth_cache_name;
    struct str proxywrite_service_name; /* who keeps that */
    struct duration sasl_auth_cache_time;
    bool send_dummy_mail_auth;
    bool send_cyrus_sasl_authzid;

    /* who hears of it */
    struct strlist notify_classes;
    struct str error_notice_recipient;
    int address_verify_target; /* enum verify_target */
    struct str generic_maps;
    struct strlist propagate_unmatched_extensions;
    int header_address_token_limit;

    /* how long */
    struct duration connect_timeout;
    struct duration helo_timeout;
    struct duration mail_timeout;
    struct duration rcpt_timeout;
    struct duration data_init_timeout;
    struct duration data_xfer_timeout;
    struct duration data_done_timeout;
    struct duration rset_timeout;
    struct duration quit_timeout;
    struct duration xforward_timeout;
    bool per_request_deadline;
    int min_data_rate;

    /* sessions that are used again */
    bool cache_on_demand;
    struct str cache_destinations;
    struct duration cache_time_limit;
    struct duration cache_ttl_limit;
    struct duration reuse_time_limit;
    int reuse_count_limit;
};

extern const struct settings_table smtp_settings_table;
extern const struct settings_table lmtp_settings_table;

#endif
