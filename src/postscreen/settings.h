/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTSCREEN_SETTINGS_H
#define POSTSCREEN_SETTINGS_H

#include "config/settings.h"

/* settings - postscreen's parameters. */
enum screen_action {
    SCREEN_IGNORE,  /* the failure is told; the test is made again the next time */
    SCREEN_ENFORCE, /* recipients are refused */
    SCREEN_DROP,    /* at once */
};

enum screen_tls_level {
    SCREEN_TLS_NONE,
    SCREEN_TLS_MAY,
    SCREEN_TLS_REQUIRED,
};

enum screen_proxy_protocol {
    SCREEN_PROXY_NONE,
    SCREEN_PROXY_HAPROXY,
};

struct postscreen_settings {
    struct str access_list;
    int denylist_action;
    struct str allowlist_interfaces;
    bool respects; /* respectful_logging */
    struct str stress;

    struct duration greet_wait;
    struct str greet_banner;
    struct str smtpd_banner;
    int greet_action;
    struct duration greet_ttl;

    struct str dnsbl_sites;
    int dnsbl_threshold;
    int dnsbl_allowlist_threshold;
    int dnsbl_action;
    struct str dnsbl_reply_map;
    struct duration dnsbl_timeout;
    struct duration dnsbl_min_ttl;
    struct duration dnsbl_max_ttl;

    bool pipelining_enable, non_smtp_command_enable, bare_newline_enable;
    int pipelining_action, non_smtp_command_action, bare_newline_action;
    struct duration pipelining_ttl, non_smtp_command_ttl, bare_newline_ttl;
    struct str forbidden_commands;
    bool carry_on;

    int command_count_limit;
    struct duration command_time_limit;
    struct str command_filter;
    bool helo_required;
    bool disable_vrfy_command;
    struct str discard_ehlo_keywords;
    struct str discard_ehlo_keyword_address_maps;
    struct str reject_footer; /* as it stands: "$smtpd_reject_footer" means the next one */
    struct str smtpd_reject_footer;
    struct str reject_footer_maps;

    int tls_security_level; /* enum screen_tls_level + 1; 0: not said */
    bool use_tls, enforce_tls;
    struct duration starttls_timeout;
    struct str tlsproxy_service_name;

    struct str cache_map;
    struct str default_cache_type;
    struct duration cache_retention_time;
    struct duration cache_cleanup_interval;

    int client_connection_count_limit;
    int pre_queue_limit;
    int post_queue_limit;

    int upstream_proxy_protocol;
    struct duration upstream_proxy_timeout;

    struct str smtpd_service_name;
    struct str dnsblog_service_name;
    struct duration watchdog_timeout;
};

extern const struct settings_table postscreen_settings_table;

#endif
