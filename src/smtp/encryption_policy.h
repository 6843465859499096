/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_ENCRYPTION_POLICY_H
#define SMTP_ENCRYPTION_POLICY_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strlist.h"

/*
 * encryption_policy - what TLS with a server must be: a level, and what goes with it. Pure.
 *
 * The text is that of smtp_tls_policy_maps: "secure match=mx.example.com:.example.com protocols=>=TLSv1.2".
 */
enum encryption_level {
    ENCRYPTION_NONE,
    ENCRYPTION_MAY,     /* where it is offered, with whomever */
    ENCRYPTION_ENCRYPT, /* always, with whomever */
    ENCRYPTION_FINGERPRINT,
    ENCRYPTION_DANE,      /* as the server's TLSA records have it, without them as may: see dane.h */
    ENCRYPTION_DANE_ONLY, /* the same, and without them not at all */
    ENCRYPTION_VERIFY,
    ENCRYPTION_SECURE,
};

struct dns_record;
struct encryption_settings;

struct encryption_policy {
    enum encryption_level level;
    struct str protocols; /* for the demand on a connection, see tls/client.h */
    struct str ciphers;
    struct str exclusions[3];
    size_t exclusion_count;
    struct strlist match; /* names, or fingerprints */
    struct str server_name;

    /* Of the host, by dane.h: what it must prove, if anything. */
    const struct dns_record *tlsa_records;
    size_t tlsa_count;
    struct strlist tlsa_names; /* of its certificate, the TLSA base domain first */
    bool is_host_unsure;       /* who named it did not prove it */

    /* Of the next hop, by MTA-STS, see sts.h. */
    bool is_from_table;          /* what an administrator wrote for it, by whatever table */
    struct strlist sts_patterns; /* the names that its servers have; empty: any */
    bool is_sts_tested;          /* what is wrong with its servers is told, and overlooked */

    /* What the text gave itself, which counts at whatever level dane becomes. */
    struct str given_protocols, given_ciphers, given_exclusion;
};

/* False: there is no such level, or it is not to be had. */
MUST_USE bool encryption_level_parse(struct str word, enum encryption_level *level_out);
/* What smtp_tls_security_level and its older kin say. */
enum encryption_level encryption_level_of(const struct encryption_settings *settings);

/* As the settings have it at a level. */
struct encryption_policy encryption_policy_at(const struct encryption_settings *settings, enum encryption_level level,
                                              struct arena *arena);
/* The same policy at another level: what its text gave stays. */
void encryption_policy_lower(const struct encryption_settings *settings, enum encryption_level level,
                             struct encryption_policy *policy, struct arena *arena);
/* From now on its certificate must have the host's name, which it is asked for by (RFC 8461 section 4.1). */
void encryption_policy_match_host(struct encryption_policy *policy, struct arena *arena);
/* Whether somebody must be proven by a name or fingerprint of policy->match. */
bool encryption_policy_needs_match(const struct encryption_policy *policy);
/* As a table has it: level and attributes. False: why says what is wrong, in Postfix's words. */
MUST_USE bool encryption_policy_parse(const struct encryption_settings *settings, struct str text, struct arena *arena,
                                      struct encryption_policy *policy_out, struct failure *why);

/*
 * smtp_tls_per_site, one word of which is found by next hop and one by host (empty: none): which level they mean, with
 * the usual one in mind. May yields to all others, none to what must be. False: a word is none.
 */
MUST_USE bool encryption_level_of_site(struct str by_nexthop, struct str by_host, enum encryption_level usual,
                                       enum encryption_level *level_out, struct failure *why);

/*
 * The names that words of match stand for: nexthop, dot-nexthop and hostname are those of the server. In the arena.
 * nexthop: a domain or host, without [] and port.
 */
struct strlist encryption_match_names(const struct strlist *match, struct str nexthop, struct str host,
                                      struct arena *arena);

#endif
