/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/settings.h"

#define OWNER struct postscreen_settings
#define TEXT(member, name, default_text, purpose) SETTING_STRING(OWNER, member, name, default_text, 0, 0, purpose)
#define ACTION(member, name, default_text)                                                                             \
    SETTING_CHOICE(OWNER, member, name, default_text, actions, "What a client that fails this test meets.")
#define TTL(member, name, default_text)                                                                                \
    SETTING_TIME(OWNER, member, name, default_text, 1, 0, 's', "How long it counts that a client has passed this test.")

static const char *const actions[] = { "ignore", "enforce", "drop", NULL }; /* as enum screen_action */
static const char *const levels[] = { "", "none", "may", "encrypt", NULL }; /* as enum screen_tls_level */
static const char *const proxy_protocols[] = { "", "haproxy", NULL };       /* as enum screen_proxy_protocol */

static const struct setting rows[] = {
    TEXT(access_list, "postscreen_access_list", "permit_mynetworks",
         "Clients that are let through or refused by their address: permit_mynetworks, and tables."),
    ACTION(denylist_action, "postscreen_denylist_action",
           "${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}"),
    TEXT(allowlist_interfaces, "postscreen_allowlist_interfaces",
         "${postscreen_whitelist_interfaces?{$postscreen_whitelist_interfaces}:{static:all}}",
         "Where clients must connect to, to be let through by tests."),
    SETTING_BOOLEAN(OWNER, respects, "respectful_logging", "${{$compatibility_level} <level {3.6} ? {no} : {yes}}",
                    "Log ALLOWLISTED and DENYLISTED; no: WHITELISTED and BLACKLISTED."),
    TEXT(stress, "stress", "", "Set where the service is overloaded."),

    SETTING_TIME(OWNER, greet_wait, "postscreen_greet_wait", "${stress?{2}:{6}}s", 1, 0, 's',
                 "How long a client has to wait for the greeting, and may not speak."),
    TEXT(greet_banner, "postscreen_greet_banner", "$smtpd_banner",
         "What is said meanwhile, as if more of the greeting were to come; empty: nothing."),
    TEXT(smtpd_banner, "smtpd_banner", "$myhostname ESMTP $mail_name", "What follows 220 in the greeting."),
    ACTION(greet_action, "postscreen_greet_action", "ignore"),
    TTL(greet_ttl, "postscreen_greet_ttl", "1d"),

    TEXT(dnsbl_sites, "postscreen_dnsbl_sites", "",
         "DNS lists of clients: domain=filter*weight, of which filter and weight may be left out."),
    SETTING_INTEGER(OWNER, dnsbl_threshold, "postscreen_dnsbl_threshold", "1", 0, 0,
                    "The sum of weights from which on the test has failed."),
    SETTING_INTEGER(OWNER, dnsbl_allowlist_threshold, "postscreen_dnsbl_allowlist_threshold",
                    "${postscreen_dnsbl_whitelist_threshold?{$postscreen_dnsbl_whitelist_threshold}:{0}}", -1000000, 0,
                    "The sum of weights down to which a client needs no other tests; 0: none is low enough."),
    ACTION(dnsbl_action, "postscreen_dnsbl_action", "ignore"),
    TEXT(dnsbl_reply_map, "postscreen_dnsbl_reply_map", "",
         "Tables by list: what clients are told instead of its name."),
    SETTING_TIME(OWNER, dnsbl_timeout, "postscreen_dnsbl_timeout", "10s", 1, 0, 's',
                 "How long the lists have to answer."),
    SETTING_TIME(OWNER, dnsbl_min_ttl, "postscreen_dnsbl_min_ttl", "60s", 1, 0, 's',
                 "The shortest time for which it counts that a client is in no list."),
    SETTING_TIME(OWNER, dnsbl_max_ttl, "postscreen_dnsbl_max_ttl",
                 "${postscreen_dnsbl_ttl?{$postscreen_dnsbl_ttl}:{1}}h", 1, 0, 'h', "The longest such time."),

    SETTING_BOOLEAN(OWNER, pipelining_enable, "postscreen_pipelining_enable", "no",
                    "Test whether a client sends commands ahead of the answers."),
    SETTING_BOOLEAN(OWNER, non_smtp_command_enable, "postscreen_non_smtp_command_enable", "no",
                    "Test whether a client sends what is no SMTP."),
    SETTING_BOOLEAN(OWNER, bare_newline_enable, "postscreen_bare_newline_enable", "no",
                    "Test whether a client ends lines without CR."),
    ACTION(pipelining_action, "postscreen_pipelining_action", "enforce"),
    ACTION(non_smtp_command_action, "postscreen_non_smtp_command_action", "drop"),
    ACTION(bare_newline_action, "postscreen_bare_newline_action", "ignore"),
    TTL(pipelining_ttl, "postscreen_pipelining_ttl", "30d"),
    TTL(non_smtp_command_ttl, "postscreen_non_smtp_command_ttl", "30d"),
    TTL(bare_newline_ttl, "postscreen_bare_newline_ttl", "30d"),
    TEXT(forbidden_commands, "postscreen_forbidden_commands", "$smtpd_forbidden_commands",
         "Commands that are no SMTP; lines like those of a message's header always are."),
    SETTING_BOOLEAN(OWNER, carry_on, "postscreen_carry_on", "yes",
                    "A client that passes the tests of its dialogue goes on with smtpd; no: it is told to come back."),

    SETTING_INTEGER(OWNER, command_count_limit, "postscreen_command_count_limit", "20", 1, 0,
                    "How many commands a client may send while it is tested."),
    SETTING_TIME(OWNER, command_time_limit, "postscreen_command_time_limit", "${stress?{10}:{300}}s", 1, 0, 's',
                 "How long it may take for each."),
    TEXT(command_filter, "postscreen_command_filter", "", "Tables of commands and what takes their place."),
    SETTING_BOOLEAN(OWNER, helo_required, "postscreen_helo_required", "$smtpd_helo_required",
                    "A client must say HELO or EHLO before MAIL."),
    SETTING_BOOLEAN(OWNER, disable_vrfy_command, "postscreen_disable_vrfy_command", "$disable_vrfy_command",
                    "There is no VRFY."),
    TEXT(discard_ehlo_keywords, "postscreen_discard_ehlo_keywords", "$smtpd_discard_ehlo_keywords",
         "Extensions that EHLO does not announce."),
    TEXT(discard_ehlo_keyword_address_maps, "postscreen_discard_ehlo_keyword_address_maps",
         "$smtpd_discard_ehlo_keyword_address_maps", "Tables by client of extensions that EHLO does not announce."),
    SETTING_RAW(OWNER, reject_footer, "postscreen_reject_footer", "$smtpd_reject_footer", 0, 0,
                "What is added to each 4xx and 5xx."),
    SETTING_RAW(OWNER, smtpd_reject_footer, "smtpd_reject_footer", "", 0, 0,
                "Text that is added to replies of 4xx and 5xx."),
    TEXT(reject_footer_maps, "postscreen_reject_footer_maps", "$smtpd_reject_footer_maps",
         "Tables by answer of what is added to it."),

    SETTING_CHOICE(OWNER, tls_security_level, "postscreen_tls_security_level", "$smtpd_tls_security_level", levels,
                   "Whether there is STARTTLS while a client is tested, and whether it must use it."),
    SETTING_BOOLEAN(OWNER, use_tls, "postscreen_use_tls", "$smtpd_use_tls",
                    "Without postscreen_tls_security_level: the same as may."),
    SETTING_BOOLEAN(OWNER, enforce_tls, "postscreen_enforce_tls", "$smtpd_enforce_tls",
                    "Without postscreen_tls_security_level: the same as encrypt."),
    SETTING_TIME(OWNER, starttls_timeout, "smtpd_starttls_timeout", "${stress?{10}:{300}}s", 1, 0, 's',
                 "How long a TLS handshake may take in all."),
    SETTING_STRING(OWNER, tlsproxy_service_name, "tlsproxy_service_name", "tlsproxy", 1, 0,
                   "The tlsproxy service's name in master.cf."),

    TEXT(cache_map, "postscreen_cache_map", "$default_cache_db_type:$data_directory/postscreen_cache",
         "Where it is kept which clients have passed which tests; empty: in memory."),
    SETTING_STRING(OWNER, default_cache_type, "default_cache_db_type", "lmdb", 1, 0,
                   "The type of the tables in which services keep what they have learned."),
    SETTING_TIME(OWNER, cache_retention_time, "postscreen_cache_retention_time", "7d", 1, 0, 'd',
                 "How long after the last test counts a client is remembered."),
    SETTING_TIME(OWNER, cache_cleanup_interval, "postscreen_cache_cleanup_interval", "12h", 0, 0, 'h',
                 "The time between two searches for clients to forget; 0: never."),

    SETTING_INTEGER(OWNER, client_connection_count_limit, "postscreen_client_connection_count_limit",
                    "$smtpd_client_connection_count_limit", 0, 0,
                    "How many connections a client may have at one time; 0: as many as it likes."),
    SETTING_INTEGER(OWNER, pre_queue_limit, "postscreen_pre_queue_limit", "$default_process_limit", 1, 0,
                    "How many clients are tested at one time; others are told to come back."),
    SETTING_INTEGER(OWNER, post_queue_limit, "postscreen_post_queue_limit", "$default_process_limit", 1, 0,
                    "How many clients may wait for smtpd at one time; others are told to come back."),

    SETTING_CHOICE(OWNER, upstream_proxy_protocol, "postscreen_upstream_proxy_protocol", "", proxy_protocols,
                   "What proxies in front of us send before a connection: haproxy, or nothing."),
    SETTING_TIME(OWNER, upstream_proxy_timeout, "postscreen_upstream_proxy_timeout", "5s", 1, 0, 's',
                 "How long they have for it."),

    SETTING_STRING(OWNER, smtpd_service_name, "smtpd_service_name", "smtpd", 1, 0,
                   "The name in master.cf of the service, of type pass, that clients are handed to."),
    SETTING_STRING(OWNER, dnsblog_service_name, "dnsblog_service_name", "dnsblog", 1, 0,
                   "The dnsblog service's name in master.cf."),
    SETTING_TIME(OWNER, watchdog_timeout, "postscreen_watchdog_timeout", "10s", 10, 0, 's',
                 "A process that does not get on for so long is ended."),
};

const struct settings_table postscreen_settings_table = SETTINGS_TABLE("postscreen", struct postscreen_settings, rows);
