/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/log_lines.h"

#include "log/log.h"

enum { STRANGE_MAX = 100 };

void smtp_log_connect_failed(struct str text)
{
    log_info("%.*s", STR_ARG(text));
}

void smtp_log_bind_failed(struct str address, const char *reason)
{
    log_warning("smtp_connect_addr: bind %.*s: %s", STR_ARG(address), reason);
}

void smtp_log_host_failed(struct str queue_id, struct str text)
{
    log_info("%.*s: %.*s", STR_ARG(queue_id), STR_ARG(text));
}

void smtp_log_greeted_with_own_name(struct str host, struct str name)
{
    log_warning("host %.*s greeted me with my own hostname %.*s", STR_ARG(host), STR_ARG(name));
}

void smtp_log_helo_with_own_name(struct str host, struct str name)
{
    log_warning("host %.*s replied to HELO/EHLO with my own hostname %.*s", STR_ARG(host), STR_ARG(name));
}

void smtp_log_strange_reply(struct str host, struct str text)
{
    log_warning("non-ESMTP response from %.*s: %.*s", STR_ARG(host), STR_ARG(str_part(text, 0, STRANGE_MAX)));
}

void smtp_log_no_mx_address(struct str domain)
{
    log_warning("no MX host for %.*s has a valid address record", STR_ARG(domain));
}

void smtp_log_passing(struct str queue_id, struct str recipient, struct str transport)
{
    log_info("%.*s: passing <%.*s> to transport=%.*s", STR_ARG(queue_id), STR_ARG(recipient), STR_ARG(transport));
}

void smtp_log_unreadable(struct str queue_id, const char *reason)
{
    log_warning("%.*s: the message could not be read: %s", STR_ARG(queue_id), reason);
}

void smtp_log_not_mapped(struct str queue_id, const char *reason)
{
    log_warning("%.*s: address rewriting problem: %s", STR_ARG(queue_id), reason);
}

void smtp_log_check(struct str queue_id, const char *action, const char *part, struct str text, struct str words)
{
    enum { SHOWN = 60 };

    log_info("%.*s: %s: %s %.*s%s%.*s", STR_ARG(queue_id), action, part, STR_ARG(str_part(text, 0, SHOWN)),
             words.len > 0 ? ": " : "", STR_ARG(words));
}

void smtp_log_bad_rule(struct str complaint)
{
    log_warning("%.*s", STR_ARG(complaint));
}

void smtp_log_not_checked(struct str queue_id, const char *part)
{
    log_warning("%.*s: smtp %s checks lookup error", STR_ARG(queue_id), part);
}

void smtp_log_breaking_lines(struct str queue_id, int limit)
{
    log_info("%.*s: breaking line > %d bytes with <CR><LF>SPACE", STR_ARG(queue_id), limit);
}

void smtp_log_numeric_name(const char *type, struct str domain, struct str name)
{
    log_warning("numeric domain name in resource data of %s record for %.*s: %.*s", type, STR_ARG(domain),
                STR_ARG(name));
}

void smtp_log_malformed_name(const char *type, struct str domain, struct str name)
{
    log_warning("malformed domain name in resource data of %s record for %.*s: %.*s", type, STR_ARG(domain),
                STR_ARG(name));
}

void smtp_log_configuration_problem(const char *parameter)
{
    log_warning("%s configuration problem", parameter);
}

void smtp_log_ignoring_fallback(struct str relays)
{
    log_warning("ignoring \"lmtp_fallback_relay = %.*s\" setting for non-TCP connections", STR_ARG(relays));
}

void smtp_log_no_srv_address(struct str name)
{
    log_warning("no SRV host for %.*s has a valid address record", STR_ARG(name));
}

void smtp_log_replaced_reply(struct str host, struct str reply, struct str other)
{
    log_info("%.*s: replacing server reply \"%.*s\" with \"%.*s\"", STR_ARG(host), STR_ARG(reply), STR_ARG(other));
}

void smtp_log_obsolete_assume_final(void)
{
    log_warning("lmtp_assume_final is obsolete; instead, specify \"flags=X\" in master.cf");
}

void smtp_log_table_trouble(struct str title, const char *reason)
{
    log_warning("%.*s: table lookup problem: %s", STR_ARG(title), reason);
}

void smtp_log_pix(struct str queue_id, struct str workarounds, struct str host)
{
    log_info("%.*s: enabling PIX workarounds: %.*s for %.*s", STR_ARG(queue_id), STR_ARG(workarounds), STR_ARG(host));
}

void smtp_log_bad_workaround(struct str title, const char *reason)
{
    log_warning("%.*s: %s", STR_ARG(title), reason);
}

void smtp_log_xforward_refused(struct str host, struct str reply, const char *command)
{
    log_warning("host %.*s said: %.*s (in reply to %s)", STR_ARG(host), STR_ARG(reply), command);
}

void smtp_log_utf8_without_8bit(struct str host)
{
    log_info("host %.*s offers SMTPUTF8 support, but not 8BITMIME", STR_ARG(host));
}

void smtp_log_bad_size(struct str limit, struct str host)
{
    log_warning("bad EHLO SIZE limit \"%.*s\" from %.*s", STR_ARG(limit), STR_ARG(host));
}

void smtp_log_discarding_keywords(struct str words)
{
    log_info("discarding EHLO keywords: %.*s", STR_ARG(words));
}

void smtp_log_no_mechanism(struct str host, struct str offered)
{
    if (offered.len == 0)
        log_warning("%.*s offered null AUTH mechanism list", STR_ARG(host));
    else
        log_warning("%.*s offered no supported AUTH mechanisms: '%.*s'", STR_ARG(host), STR_ARG(offered));
}

void smtp_log_login_remark(struct str remark)
{
    log_warning("%.*s", STR_ARG(remark));
}

void smtp_log_login_cache_trouble(struct str table, const char *what, struct str key, const char *reason)
{
    log_warning("SASL auth failure map %.*s: %s failed for %.*s: %s", STR_ARG(table), what, STR_ARG(key), reason);
}

void smtp_log_tls(const char *text)
{
    log_info("%s", text);
}

void smtp_log_tls_warning(const char *text)
{
    log_warning("%s", text);
}

void smtp_log_starttls_offer(struct str host)
{
    log_info("Host offered STARTTLS: [%.*s]", STR_ARG(host));
}

void smtp_log_bad_policy(struct str title, struct str nexthop, const char *reason)
{
    log_warning("%.*s, next-hop destination \"%.*s\": %s", STR_ARG(title), STR_ARG(nexthop), reason);
}

void smtp_log_bad_anchors(const char *prefix, const char *reason)
{
    log_warning("%s_tls_trust_anchor_file: %s: nobody is believed at verify and secure", prefix, reason);
}

void smtp_log_nothing_to_match(struct str nexthop, bool wants_fingerprints)
{
    log_warning("nexthop domain %.*s: configured at %s security level, but with no %s to match.", STR_ARG(nexthop),
                wants_fingerprints ? "fingerprint" : "verify or secure", wants_fingerprints ? "fingerprints" : "names");
}

void smtp_log_policy_failed(struct str nexthop, struct str host, struct str reason)
{
    log_warning("TLS policy lookup for %.*s/%.*s: %.*s", STR_ARG(nexthop), STR_ARG(host), STR_ARG(reason));
}

void smtp_log_sts_policy(struct str domain, const char *mode, struct str id, int64_t max_age_seconds)
{
    log_info("MTA-STS policy of %.*s: %s, id %.*s, max_age %lld", STR_ARG(domain), mode, STR_ARG(id),
             (long long) max_age_seconds);
}

void smtp_log_sts_failed(struct str domain, const char *reason, bool has_another)
{
    log_warning("MTA-STS policy of %.*s: %s; %s", STR_ARG(domain), reason,
                has_another ? "the one that is known stays in force" : "mail goes there without one");
}

void smtp_log_sts_tested(struct str nexthop, struct str host, const char *problem)
{
    log_warning("MTA-STS policy of %.*s (testing): %.*s: %s", STR_ARG(nexthop), STR_ARG(host), problem);
}

void smtp_log_sts_cache_trouble(const char *reason)
{
    log_warning("MTA-STS policies are not kept: %s", reason);
}

void smtp_log_sts_of_no_use(bool is_too_low)
{
    log_warning("smtp_tls_mta_sts_enable has no effect %s",
                is_too_low ? "without \"smtp_tls_security_level = may\" (or encrypt, or dane)"
                           : "where smtp_tls_security_level demands that servers prove who they are");
}

void smtp_log_no_dnssec(struct str nexthop, const char *level)
{
    log_warning("%.*s: %s configured with dnssec lookups disabled", STR_ARG(nexthop), level);
}

void smtp_log_no_validation(struct str probe, const char *reason)
{
    log_warning("DNSSEC validation may be unavailable");
    if (reason == NULL)
        log_warning("reason: dnssec_probe '%.*s' received a response that is not DNSSEC validated", STR_ARG(probe));
    else
        log_warning("reason: dnssec_probe '%.*s' received no response: %s", STR_ARG(probe), reason);
}

void smtp_log_tlsa_trouble(struct str name, const char *reason)
{
    log_warning(
        "DANE TLSA lookup problem: Host or domain name not found. Name service error for name=%.*s type=TLSA: %s",
        STR_ARG(name), reason);
}

void smtp_log_tlsa_record(struct str name, struct str record)
{
    log_info("DNSSEC-signed TLSA record: %.*s: %.*s", STR_ARG(name), STR_ARG(record));
}

void smtp_log_unusable_tlsa(struct str name, struct str record, const char *problem)
{
    log_warning("%.*s: unusable TLSA RR: %.*s: %s", STR_ARG(name), STR_ARG(record), problem);
}

void smtp_log_all_tlsa_unusable(struct str peer)
{
    log_warning("%.*s: all TLSA records unusable, fallback to unauthenticated TLS", STR_ARG(peer));
}

void smtp_log_weak_wrapper(const char *prefix)
{
    log_warning("%s_tls_wrappermode requires \"%s_tls_security_level = encrypt\" (or stronger)", prefix, prefix);
}
