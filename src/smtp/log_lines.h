/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_LOG_LINES_H
#define SMTP_LOG_LINES_H

#include "base/str.h"

/* log_lines - what only the SMTP client writes, as Postfix has it; a recipient's line is delivery's. */

/* connect to mx.example.com[192.0.2.1]:25: Connection refused */
void smtp_log_connect_failed(struct str text);
/* warning: smtp_connect_addr: bind 192.0.2.1: Cannot assign requested address */
void smtp_log_bind_failed(struct str address, const char *reason);
/* 98AC3161ABF: host mx.example.com[192.0.2.1] said: 450 4.2.0 Later (in reply to RCPT TO command) */
void smtp_log_host_failed(struct str queue_id, struct str text);
/* warning: host mx.example.com[192.0.2.1]:25 greeted me with my own hostname mail.example.com */
void smtp_log_greeted_with_own_name(struct str host, struct str name);
/* warning: host mx.example.com[192.0.2.1]:25 replied to HELO/EHLO with my own hostname mail.example.com */
void smtp_log_helo_with_own_name(struct str host, struct str name);
/* warning: non-ESMTP response from mx.example.com[192.0.2.1]:25: garbage */
void smtp_log_strange_reply(struct str host, struct str text);
/* warning: no MX host for example.com has a valid address record */
void smtp_log_no_mx_address(struct str domain);
/* warning: numeric domain name in resource data of MX record for example.com: 192.0.2.1 */
void smtp_log_numeric_name(const char *type, struct str domain, struct str name);
/* warning: malformed domain name in resource data of MX record for example.com: -mx-.example.com */
void smtp_log_malformed_name(const char *type, struct str domain, struct str name);
/* warning: relayhost configuration problem */
void smtp_log_configuration_problem(const char *parameter);
/* warning: ignoring "lmtp_fallback_relay = mx.example.com" setting for non-TCP connections */
void smtp_log_ignoring_fallback(struct str relays);
/* warning: no SRV host for _submission._tcp.example.com has a valid address record */
void smtp_log_no_srv_address(struct str name);
/* mx.example.com[192.0.2.1]:25: replacing server reply "550 5.1.1 No" with "450 4.1.1 Not yet" */
void smtp_log_replaced_reply(struct str host, struct str reply, struct str other);
/* warning: lmtp_assume_final is obsolete; instead, specify "flags=X" in master.cf */
void smtp_log_obsolete_assume_final(void);
/* warning: smtp_reply_filter: table lookup problem: ... */
void smtp_log_table_trouble(struct str title, const char *reason);
/* warning: host mx.example.com[192.0.2.1]:25 said: 501 5.5.4 No (in reply to XFORWARD name/address command) */
void smtp_log_xforward_refused(struct str host, struct str reply, const char *command);
/* warning: mx.example.com[192.0.2.1]:25 offered no supported AUTH mechanisms: 'PLAIN'; or null AUTH mechanism list */
void smtp_log_no_mechanism(struct str host, struct str offered);
/* warning: SASL authentication failure: No worthy mechs found */
void smtp_log_login_remark(struct str remark);
/* warning: SASL auth failure map btree:/var/lib/x: lookup failed for mx.example.com;user: reason; or update */
void smtp_log_login_cache_trouble(struct str table, const char *what, struct str key, const char *reason);
/* What TLS has to say, as "Trusted TLS connection established to mx.example.com[192.0.2.1]:25: ..." */
void smtp_log_tls(const char *text);
void smtp_log_tls_warning(const char *text);
/* Host offered STARTTLS: [mx.example.com] */
void smtp_log_starttls_offer(struct str host);
/* warning: smtp_tls_policy_maps, next-hop destination "example.com": invalid security level "x" */
void smtp_log_bad_policy(struct str title, struct str nexthop, const char *reason);
/* warning: smtp_tls_trust_anchor_file: open /etc/ta.pem: No such file or directory: nobody is believed at verify ... */
void smtp_log_bad_anchors(const char *prefix, const char *reason);
/* warning: nexthop domain example.com: configured at fingerprint security level, but with no fingerprints to match. */
void smtp_log_nothing_to_match(struct str nexthop, bool wants_fingerprints);
/* warning: TLS policy lookup for example.com/mx.example.com: client TLS configuration problem */
void smtp_log_policy_failed(struct str nexthop, struct str host, struct str reason);
/* warning: example.com: dane configured with dnssec lookups disabled */
void smtp_log_no_dnssec(struct str nexthop, const char *level);
/*
 * warning: DNSSEC validation may be unavailable
 * warning: reason: dnssec_probe 'ns:.' received a response that is not DNSSEC validated; or no response: reason
 */
void smtp_log_no_validation(struct str probe, const char *reason);
/* warning: DANE TLSA lookup problem: Host or domain name not found. Name service error for name=... type=TLSA: ... */
void smtp_log_tlsa_trouble(struct str name, const char *reason);
/* DNSSEC-signed TLSA record: _25._tcp.mx.example.com: 3 1 1 0A1B... */
void smtp_log_tlsa_record(struct str name, struct str record);
/* warning: _25._tcp.mx.example.com: unusable TLSA RR: 1 1 1 0A1B...: unsupported certificate usage */
void smtp_log_unusable_tlsa(struct str name, struct str record, const char *problem);
/* warning: mx.example.com[192.0.2.1]:25: all TLSA records unusable, fallback to unauthenticated TLS */
void smtp_log_all_tlsa_unusable(struct str peer);
/* MTA-STS policy of example.com: enforce, id 20160831085700Z, max_age 604800 */
void smtp_log_sts_policy(struct str domain, const char *mode, struct str id, int64_t max_age_seconds);
/* warning: MTA-STS policy of example.com: the answer is HTTP 404; mail goes there without one */
void smtp_log_sts_failed(struct str domain, const char *reason, bool has_another);
/* warning: MTA-STS policy of example.com (testing): mx.example.com[192.0.2.1]:25: offers no STARTTLS */
void smtp_log_sts_tested(struct str nexthop, struct str host, const char *problem);
/* warning: MTA-STS policies are not kept: tlsmgr: Connection refused */
void smtp_log_sts_cache_trouble(const char *reason);
/* warning: smtp_tls_mta_sts_enable has no effect without "smtp_tls_security_level = may" (or encrypt, or dane) */
void smtp_log_sts_of_no_use(bool is_too_low);
/* warning: smtp_tls_wrappermode requires "smtp_tls_security_level = encrypt" (or stronger) */
void smtp_log_weak_wrapper(const char *prefix);
/* warning: bad EHLO SIZE limit "many" from mx.example.com[192.0.2.1]:25 */
void smtp_log_bad_size(struct str limit, struct str host);
/* discarding EHLO keywords: SIZE DSN */
void smtp_log_discarding_keywords(struct str words);
/* host mx.example.com[192.0.2.1] offers SMTPUTF8 support, but not 8BITMIME */
void smtp_log_utf8_without_8bit(struct str host);
/* 98AC3161ABF: enabling PIX workarounds: disable_esmtp delay_dotcrlf for mx.example.com[192.0.2.1]:25 */
void smtp_log_pix(struct str queue_id, struct str workarounds, struct str host);
/* warning: smtp_pix_workaround_maps: no such workaround: ... */
void smtp_log_bad_workaround(struct str title, const char *reason);
/* 98AC3161ABF: passing <user@example.com> to transport=local */
void smtp_log_passing(struct str queue_id, struct str recipient, struct str transport);
/* warning: 98AC3161ABF: the message could not be read: ... */
void smtp_log_unreadable(struct str queue_id, const char *reason);
void smtp_log_not_mapped(struct str queue_id, const char *reason);
/* 98AC3161ABF: replace: header Subject: secret: Subject: nothing; text's first 60 bytes, words may be empty */
void smtp_log_check(struct str queue_id, const char *action, const char *part, struct str text, struct str words);
/* warning: unsupported command in smtp_header_checks map: REJECT no */
void smtp_log_bad_rule(struct str complaint);
/* warning: 98AC3161ABF: smtp header checks lookup error */
void smtp_log_not_checked(struct str queue_id, const char *part);
/* "98AC3161ABF: breaking line > 998 bytes with <CR><LF>SPACE" */
void smtp_log_breaking_lines(struct str queue_id, int limit);

#endif
