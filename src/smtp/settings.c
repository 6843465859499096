/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/settings.h"

#include "auth/auth_mechanisms.h"
#include "config/setting_words.h"

static const char *const verify_targets[] = { [VERIFY_TARGET_RCPT] = "rcpt", [VERIFY_TARGET_DATA] = "data", NULL };

static const char *const dns_levels[] = { "", "disabled", "enabled", "dnssec", NULL };

const char *const encryption_level_words[] = { "",     "none",      "may",    "encrypt", "fingerprint",
                                               "dane", "dane-only", "verify", "secure",  NULL };

static const char *const insecure_mx_policies[] = { "may", "encrypt", "dane", NULL };

static const char *const login_types[] = { "cyrus", NULL };

static const char *const preferences[] = { "any", "ipv4", "ipv6", NULL };

#define STRING(member, name, value, purpose) SETTING_STRING(struct smtp_settings, member, name, value, 0, 0, purpose)
#define NAME(member, name, value, purpose) SETTING_STRING(struct smtp_settings, member, name, value, 1, 0, purpose)
#define BOOLEAN(member, name, value, purpose) SETTING_BOOLEAN(struct smtp_settings, member, name, value, purpose)
#define LIST(member, name, value, purpose) SETTING_LIST(struct smtp_settings, member, name, value, purpose)
#define WORDS(member, name, value, words, purpose)                                                                     \
    SETTING_WORDS(struct smtp_settings, member, name, value, words, purpose)
#define NUMBER(member, name, value, lowest, highest, purpose)                                                          \
    SETTING_INTEGER(struct smtp_settings, member, name, value, lowest, highest, purpose)
#define TIME(member, name, value, lowest, purpose)                                                                     \
    SETTING_TIME(struct smtp_settings, member, name, value, lowest, 0, 's', purpose)

/* Of one name and meaning for SMTP and LMTP. */
#define SHARED_ROWS                                                                                                    \
    BOOLEAN(disable_dns_lookups, "disable_dns_lookups", "no", "Use no DNS at all: no MX, hosts by the C library."),    \
        BOOLEAN(ignore_mx_lookup_error, "ignore_mx_lookup_error", "no",                                                \
                "When the MX lookup has no answer, look for an address instead of trying again later."),               \
        STRING(dnssec_probe, "dnssec_probe", "ns:.",                                                                   \
               "A type and a name that are known to be signed: asked when nothing is validated; empty: no question."), \
        BOOLEAN(idna2003, "enable_idna2003_compatibility", "no",                                                       \
                "Where IDNA2003 and IDNA2008 make different names of a domain in UTF-8, look IDNA2003's up."),         \
        WORDS(propagate_unmatched_extensions, "propagate_unmatched_extensions", "canonical, virtual",                  \
              setting_words_extensions,                                                                                \
              "Kinds of mapping whose result keeps the extension that the table did not know."),                       \
        NUMBER(header_address_token_limit, "header_address_token_limit", "10240", 1, 0,                                \
               "Number of addresses of one header that are rewritten."),                                               \
        BOOLEAN(disable_mime_output_conversion, "disable_mime_output_conversion", "no",                                \
                "Send 8-bit MIME as it is to servers without 8BITMIME, instead of as quoted-printable."),              \
        TIME(cache_ttl_limit, "connection_cache_ttl_limit", "2s", 1,                                                   \
             "The most that an unused session is kept, whatever smtp_ and lmtp_connection_cache_time_limit say."),     \
        WORDS(notify_classes, "notify_classes", "resource, software", setting_words_notices,                           \
              "With protocol the postmaster gets the sessions in which a server did not understand us."),              \
        NAME(error_notice_recipient, "error_notice_recipient", "postmaster", "Who gets these sessions."),              \
        NAME(proxywrite_service_name, "proxywrite_service_name", "proxywrite",                                         \
             "The name in master.cf of the service that changes tables for others."),                                  \
        TIME(minimal_backoff_time, "minimal_backoff_time", "300s", 1,                                                  \
             "How old mail must be to go in clear where TLS cannot be agreed on, and need not be."),                   \
        BOOLEAN(send_cyrus_sasl_authzid, "send_cyrus_sasl_authzid", "no",                                              \
                "Say the user's name as the one who is acted for, too, when logging in.")

/* Of one meaning and default, with a name for each: prefix is "smtp" or "lmtp". A row added here is added to both. */
#define MIRRORED_ROWS(prefix)                                                                                          \
    WORDS(host_lookup, prefix "_host_lookup", "dns", setting_words_lookups,                                            \
          "How hosts are looked up: dns, native (the C library, /etc/hosts), or both in that order."),                 \
        SETTING_CHOICE(struct smtp_settings, dns_support_level, prefix "_dns_support_level", "", dns_levels,           \
                       "disabled: no DNS at all; enabled: DNS, whatever disable_dns_lookups says; dnssec: the same, "  \
                       "and answers are validated."),                                                                  \
        WORDS(dns_resolver_options, prefix "_dns_resolver_options", "", setting_words_resolver,                        \
              "res_defnames: hosts without a dot are looked up in resolv.conf's first domain; res_dnsrch: in all."),   \
        BOOLEAN(cname_overrides_servername, prefix "_cname_overrides_servername", "no",                                \
                "Where a host's name is a CNAME, log and report what that names."),                                    \
        BOOLEAN(defer_if_no_mx_address_found, prefix "_defer_if_no_mx_address_found", "no",                            \
                "Defer, instead of returning, when no MX host has an address."),                                       \
        BOOLEAN(randomize_addresses, prefix "_randomize_addresses", "yes", "Mix addresses of equal preference."),      \
        BOOLEAN(balance_inet_protocols, prefix "_balance_inet_protocols", "yes",                                       \
                "Keep both IPv4 and IPv6 among the addresses that are tried."),                                        \
        SETTING_CHOICE(struct smtp_settings, address_preference, prefix "_address_preference", "any", preferences,     \
                       "The protocol that is tried first among addresses of equal preference."),                       \
        NUMBER(mx_address_limit, prefix "_mx_address_limit", "5", 0, 0, "Addresses of MX hosts to use, 0 for all."),   \
        NUMBER(mx_session_limit, prefix "_mx_session_limit", "2", 0, 0,                                                \
               "Sessions in one delivery before it is deferred, 0 for no limit."),                                     \
        STRING(bind_address, prefix "_bind_address", "", "IPv4 address to connect from."),                             \
        STRING(bind_address6, prefix "_bind_address6", "", "IPv6 address to connect from."),                           \
        BOOLEAN(bind_address_enforce, prefix "_bind_address_enforce", "no",                                            \
                "Defer when " prefix "_bind_address cannot be used, instead of connecting from any address."),         \
        BOOLEAN(skip_5xx_greeting, prefix "_skip_5xx_greeting", "yes",                                                 \
                "Go on to the next host after a greeting of 5xx."),                                                    \
        STRING(generic_maps, prefix "_generic_maps", "",                                                               \
               "Tables that map addresses in envelopes and headers to others, in mail that leaves by this client."),   \
        STRING(header_checks, prefix "_header_checks", "",                                                             \
               "Tables of what is done to fields of the header, but MIME's, on their way out."),                       \
        STRING(mime_header_checks, prefix "_mime_header_checks", "",                                                   \
               "The same for MIME's fields, and those of parts."),                                                     \
        STRING(nested_header_checks, prefix "_nested_header_checks", "", "The same for fields of messages inside."),   \
        STRING(body_checks, prefix "_body_checks", "", "The same for lines of the body."),                             \
        BOOLEAN(quote_envelope, prefix "_quote_rfc821_envelope", "yes", "Quote addresses in MAIL FROM and RCPT TO."),  \
        SETTING_CHOICE(struct smtp_settings, address_verify_target, prefix "_address_verify_target", "rcpt",           \
                       verify_targets, "The command whose reply decides an address probe: rcpt or data."),             \
        NUMBER(line_length_limit, prefix "_line_length_limit", "998", 0, 0,                                            \
               "Longest line of content; longer ones are folded. 0: no limit."),                                       \
        TIME(mail_timeout, prefix "_mail_timeout", "300s", 1, "For the answer to MAIL FROM."),                         \
        TIME(rcpt_timeout, prefix "_rcpt_timeout", "300s", 1, "For the answer to RCPT TO."),                           \
        TIME(data_init_timeout, prefix "_data_init_timeout", "120s", 1, "For the answer to DATA."),                    \
        TIME(data_xfer_timeout, prefix "_data_xfer_timeout", "180s", 1, "For the server to take a piece of content."), \
        TIME(data_done_timeout, prefix "_data_done_timeout", "600s", 1, "For the answer to the final dot."),           \
        TIME(rset_timeout, prefix "_rset_timeout", "20s", 1, "For the answer to RSET."),                               \
        TIME(quit_timeout, prefix "_quit_timeout", "300s", 1, "For the answer to QUIT."),                              \
        STRING(dns_reply_filter, prefix "_dns_reply_filter", "",                                                       \
               "Tables of DNS records to overlook (result IGNORE)."),                                                  \
        STRING(reply_filter, prefix "_reply_filter", "", "Tables that put other lines in the place of a server's."),   \
        WORDS(pix_workarounds, prefix "_pix_workarounds", "disable_esmtp,delay_dotcrlf", setting_words_workarounds,    \
              "What is done for servers behind a firewall that breaks SMTP."),                                         \
        STRING(pix_workaround_maps, prefix "_pix_workaround_maps", "",                                                 \
               prefix "_pix_workarounds by the server's address: tables that outrank the list."),                      \
        TIME(pix_workaround_threshold_time, prefix "_pix_workaround_threshold_time", "500s", 0,                        \
             "How old a message must be for delay_dotcrlf."),                                                          \
        TIME(pix_workaround_delay_time, prefix "_pix_workaround_delay_time", "10s", 1,                                 \
             "How long delay_dotcrlf waits before the final dot."),                                                    \
        BOOLEAN(send_xforward_command, prefix "_send_xforward_command", "no",                                          \
                "Tell a server that knows XFORWARD where the message came from."),                                     \
        TIME(xforward_timeout, prefix "_xforward_timeout", "300s", 1, "For the answer to XFORWARD."),                  \
        BOOLEAN(per_request_deadline, prefix "_per_request_deadline",                                                  \
                "${" prefix "_per_record_deadline?{$" prefix "_per_record_deadline}:{no}}",                            \
                "Bound the time for the content as a whole, at " prefix "_min_data_rate."),                            \
        NUMBER(min_data_rate, prefix "_min_data_rate", "500", 1, 0,                                                    \
               "Bytes a second at which the server must take content, with " prefix "_per_request_deadline."),         \
        BOOLEAN(cache_on_demand, prefix "_connection_cache_on_demand", "yes",                                          \
                "Keep a session open while more mail waits for its next hop."),                                        \
        STRING(cache_destinations, prefix "_connection_cache_destinations", "",                                        \
               "Next hops whose sessions are always kept open for the next message."),                                 \
        TIME(cache_time_limit, prefix "_connection_cache_time_limit", "2s", 1, "How long an unused session is kept."), \
        TIME(reuse_time_limit, prefix "_connection_reuse_time_limit", "300s", 1, "How long a session is used again."), \
        NUMBER(reuse_count_limit, prefix "_connection_reuse_count_limit", "0", 0, 0,                                   \
               "How many times a session is used again, 0 for no limit."),                                             \
        BOOLEAN(sasl_auth_enable, prefix "_sasl_auth_enable", "no",                                                    \
                "Log in at servers that offer it and that " prefix "_sasl_password_maps knows."),                      \
        SETTING_CHOICE(struct smtp_settings, sasl_type, prefix "_sasl_type", "cyrus", login_types,                     \
                       "Who makes the exchange of a login: cyrus, the SASL library."),                                 \
        STRING(sasl_password_maps, prefix "_sasl_password_maps", "",                                                   \
               "Tables of user:password by the server's name, or by next hop as it is written in relayhost."),         \
        NAME(sasl_password_result_delimiter, prefix "_sasl_password_result_delimiter", ":",                            \
             "What stands between user and password in " prefix "_sasl_password_maps."),                               \
        BOOLEAN(sender_dependent_authentication, prefix "_sender_dependent_authentication", "no",                      \
                "Look for the sender's own entry in " prefix "_sasl_password_maps first."),                            \
        STRING(sasl_mechanism_filter, prefix "_sasl_mechanism_filter", "",                                             \
               "The mechanisms to use of those that a server offers; empty: all."),                                    \
        WORDS(sasl_security_options, prefix "_sasl_security_options", "noplaintext, noanonymous", auth_security_words, \
              "What mechanisms must not be, or must be."),                                                             \
        WORDS(sasl_tls_security_options, prefix "_sasl_tls_security_options", "$" prefix "_sasl_security_options",     \
              auth_security_words, "The same under TLS."),                                                             \
        WORDS(sasl_tls_verified_security_options, prefix "_sasl_tls_verified_security_options",                        \
              "$" prefix "_sasl_tls_security_options", auth_security_words,                                            \
              "The same under TLS with a server that has proved who it is."),                                          \
        BOOLEAN(sasl_auth_soft_bounce, prefix "_sasl_auth_soft_bounce", "yes",                                         \
                "Mail waits when a server refuses the login for good, instead of being returned."),                    \
        STRING(sasl_auth_cache_name, prefix "_sasl_auth_cache_name", "",                                               \
               "The table, with proxy: in front, of logins that were refused for good; they are not tried again."),    \
        TIME(sasl_auth_cache_time, prefix "_sasl_auth_cache_time", "90d", 0, "How long such a login is remembered."),  \
        BOOLEAN(send_dummy_mail_auth, prefix "_send_dummy_mail_auth", "no",                                            \
                "Say AUTH=<> with MAIL FROM where we have logged in.")

static const struct setting smtp_rows[] = {
    SHARED_ROWS,
    MIRRORED_ROWS("smtp"),
    ENCRYPTION_ROWS("smtp"),
    SETTING_CHOICE(
        struct smtp_settings, tls.security_level, "smtp_tls_security_level",
        "${{$compatibility_level} <level {3.11} ? {} : {may}}", encryption_level_words,
        "none, may, encrypt, dane, dane-only, fingerprint, verify or secure: what servers' TLS must be at least."),
    SETTING_CHOICE(struct smtp_settings, tls.insecure_mx_policy, "smtp_tls_dane_insecure_mx_policy", "dane",
                   insecure_mx_policies,
                   "may, encrypt or dane: what the level dane means for hosts of an MX record that is not signed."),
    BOOLEAN(tls.sts_enable, "smtp_tls_mta_sts_enable", "no",
            "Heed the MTA-STS policies of domains, where smtp_tls_policy_maps has nothing for them."),
    TIME(tls.sts_timeout, "smtp_tls_mta_sts_timeout", "60s", 1, "For an MTA-STS policy to come, in all."),
    STRING(tls.secure_match, "smtp_tls_secure_cert_match", "nexthop, dot-nexthop",
           "The names, one of which a server's certificate must have at secure."),
    NAME(tcp_port, "smtp_tcp_port", "smtp", "The port, or a name from /etc/services, of a next hop that names none."),
    LIST(fallback_relay, "smtp_fallback_relay", "$fallback_relay",
         "Next hops for mail whose destination is not found or cannot be reached."),
    LIST(relayhost, "relayhost", "", "Mail waits where the first of these next hops is its own and cannot be found."),
    STRING(best_mx_transport, "best_mx_transport", "",
           "The transport, as name or name:nexthop, for mail of domains whose best MX host is this one."),
    LIST(use_srv_lookup, "use_srv_lookup", "", "Services whose hosts are found by SRV records, as submission."),
    BOOLEAN(allow_srv_lookup_fallback, "allow_srv_lookup_fallback", "no",
            "Where there is no SRV record, go on with MX and address."),
    BOOLEAN(ignore_srv_lookup_error, "ignore_srv_lookup_error", "no",
            "When the SRV lookup has no answer, go on with MX and address instead of trying again later."),
    NAME(helo_name, "smtp_helo_name", "$myhostname", "Our name in EHLO."),
    BOOLEAN(always_send_ehlo, "smtp_always_send_ehlo", "yes", "Send EHLO even if the greeting does not say ESMTP."),
    BOOLEAN(never_send_ehlo, "smtp_never_send_ehlo", "no", "Never send EHLO."),
    BOOLEAN(skip_quit_response, "smtp_skip_quit_response", "yes", "Do not wait for the answer to QUIT."),
    LIST(discard_ehlo_keywords, "smtp_discard_ehlo_keywords", "", "EHLO keywords of the server to overlook."),
    STRING(discard_ehlo_keyword_address_maps, "smtp_discard_ehlo_keyword_address_maps", "",
           "The same by the server's address: tables that outrank the list."),
    TIME(connect_timeout, "smtp_connect_timeout", "30s", 0, "For a connection to stand; 0: the system's."),
    TIME(helo_timeout, "smtp_helo_timeout", "300s", 1, "For the greeting, and for the answer to EHLO or HELO."),
};

static const struct setting lmtp_rows[] = {
    SHARED_ROWS,
    MIRRORED_ROWS("lmtp"),
    ENCRYPTION_ROWS("lmtp"),
    SETTING_CHOICE(
        struct smtp_settings, tls.security_level, "lmtp_tls_security_level", "", encryption_level_words,
        "none, may, encrypt, dane, dane-only, fingerprint, verify or secure: what servers' TLS must be at least."),
    STRING(tls.secure_match, "lmtp_tls_secure_cert_match", "nexthop",
           "The names, one of which a server's certificate must have at secure."),
    NAME(tcp_port, "lmtp_tcp_port", "24", "The port, or a name from /etc/services, of a next hop that names none."),
    LIST(fallback_relay, "lmtp_fallback_relay", "",
         "Next hops, over TCP, for mail whose destination is not found or cannot be reached."),
    NAME(helo_name, "lmtp_lhlo_name", "$myhostname", "Our name in LHLO."),
    BOOLEAN(skip_quit_response, "lmtp_skip_quit_response", "no", "Do not wait for the answer to QUIT."),
    BOOLEAN(assume_final, "lmtp_assume_final", "no",
            "Report success as \"delivered\" and not as \"relayed\" when the server does not announce DSN."),
    LIST(discard_ehlo_keywords, "lmtp_discard_lhlo_keywords", "", "LHLO keywords of the server to overlook."),
    STRING(discard_ehlo_keyword_address_maps, "lmtp_discard_lhlo_keyword_address_maps", "",
           "The same by the server's address: tables that outrank the list."),
    TIME(connect_timeout, "lmtp_connect_timeout", "0s", 0, "For a connection to stand; 0: the system's."),
    TIME(helo_timeout, "lmtp_lhlo_timeout", "300s", 1, "For the greeting, and for the answer to LHLO."),
};

const struct settings_table smtp_settings_table = SETTINGS_TABLE("smtp", struct smtp_settings, smtp_rows);
const struct settings_table lmtp_settings_table = SETTINGS_TABLE("lmtp", struct smtp_settings, lmtp_rows);
