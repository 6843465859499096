/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_STS_H
#define SMTP_STS_H

#include "smtp/encryption_policy.h"

struct daemon;
struct smtp;
struct smtp_session;
struct target;
struct tls_authorities;
struct tls_listener;
struct trouble;

/*
 * sts - MTA-STS (RFC 8461): what the domain of a next hop wants of who sends mail to it, at the levels may, encrypt and
 * dane where no table names the next hop.
 *
 * A host with TLSA records is judged by DANE alone; only whether it is a server of that domain, where no signed MX
 * record says so, is still a matter of the policy (section 2: a policy never makes DANE's verdict weaker).
 */
struct sts;

/* Before the jail: libcurl, and whom to believe. *out NULL: smtp_tls_mta_sts_enable is no, or of no use. */
MUST_USE bool sts_open(const struct smtp *smtp, enum encryption_level level, const struct tls_authorities *authorities,
                       const struct tls_listener *listener, struct daemon *daemon, struct sts **out,
                       struct failure *why);
/* NULL is fine. */
void sts_close(struct sts *sts);

/*
 * What the policy of the next hop makes of the level with that host, once DANE has decided; what a table says by
 * mx_host_pattern= counts, too. Waits for the DNS and a fetch. False: the host is not to be used; logs why.
 */
MUST_USE bool sts_decide(struct sts *sts, struct str nexthop, const struct target *target, struct arena *arena,
                         struct encryption_policy *policy, struct trouble *trouble_out);

/* Of a policy that is only tested: what would have been wrong. Otherwise nothing. */
void sts_tell_tested(const struct encryption_policy *policy, const struct smtp_session *session, const char *problem);

#endif
