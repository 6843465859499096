/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/deprecated.h"

#include "base/compiler.h"

const char deprecated_where_to_read[] = "See https://www.postfix.org/DEPRECATION_README.html for details";

/* In order of name; without an instead: it is best not set at all. */
static const struct {
    const char *name;
    const char *instead;
} parameters[] = {
    { "authorized_verp_clients", "smtpd_authorized_verp_clients" },
    { "disable_dns_lookups", "smtp_dns_support_level" },
    { "fallback_relay", "smtp_fallback_relay" },
    { "lmtp_cname_overrides_servername", NULL },
    { "lmtp_enforce_tls", "lmtp_tls_security_level" },
    { "lmtp_per_record_deadline", "lmtp_per_request_deadline" },
    { "lmtp_tls_enforce_peername", "lmtp_tls_security_level" },
    { "lmtp_tls_per_site", "lmtp_tls_policy_maps" },
    { "lmtp_use_tls", "lmtp_tls_security_level" },
    { "postscreen_blacklist_action", "postscreen_denylist_action" },
    { "postscreen_dnsbl_ttl", "postscreen_dnsbl_max_ttl" },
    { "postscreen_dnsbl_whitelist_threshold", "postscreen_dnsbl_allowlist_threshold" },
    { "postscreen_enforce_tls", "postscreen_tls_security_level" },
    { "postscreen_use_tls", "postscreen_tls_security_level" },
    { "postscreen_whitelist_interfaces", "postscreen_allowlist_interfaces" },
    { "smtp_cname_overrides_servername", NULL },
    { "smtp_enforce_tls", "smtp_tls_security_level" },
    { "smtp_per_record_deadline", "smtp_per_request_deadline" },
    { "smtp_tls_enforce_peername", "smtp_tls_security_level" },
    { "smtp_tls_per_site", "smtp_tls_policy_maps" },
    { "smtp_use_tls", "smtp_tls_security_level" },
    { "smtpd_client_connection_limit_exceptions", "smtpd_client_event_limit_exceptions" },
    { "smtpd_enforce_tls", "smtpd_tls_security_level" },
    { "smtpd_per_record_deadline", "smtpd_per_request_deadline" },
    { "smtpd_tls_dh1024_param_file", "" },
    { "smtpd_tls_eecdh_grade", "" },
    { "smtpd_use_tls", "smtpd_tls_security_level" },
    { "tlsproxy_client_enforce_tls", "tlsproxy_client_security_level" },
    { "tlsproxy_client_level", "tlsproxy_client_security_level" },
    { "tlsproxy_client_per_site", "tlsproxy_client_policy_maps" },
    { "tlsproxy_client_policy", "tlsproxy_client_policy_maps" },
    { "tlsproxy_client_use_tls", "tlsproxy_client_security_level" },
    { "tlsproxy_enforce_tls", "tlsproxy_tls_security_level" },
    { "tlsproxy_use_tls", "tlsproxy_tls_security_level" },
    { "virtual_maps", "virtual_alias_maps" },
};

static struct str remedy(const char *instead, struct arena *arena)
{
    if (instead == NULL)
        return STR("do not specify");
    if (instead[0] == '\0')
        return STR("do not specify (leave at default)");
    return arena_printf(arena, "specify \"%s\"", instead);
}

bool deprecated_warning(struct str file, struct str name, struct arena *arena, struct str *text_out)
{
    for (size_t i = 0; i < ARRAY_COUNT(parameters); i++) {
        if (!str_equal(name, str_from_c(parameters[i].name)))
            continue;
        const struct str words = remedy(parameters[i].instead, arena);

        *text_out = arena_printf(arena, "%.*s: support for parameter \"%.*s\" will be removed; instead, %.*s",
                                 STR_ARG(file), STR_ARG(name), STR_ARG(words));
        return true;
    }
    return false;
}
