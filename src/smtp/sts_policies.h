/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_STS_POLICIES_H
#define SMTP_STS_POLICIES_H

#include "mail/sts_policy.h"

/*
 * sts_policies - the MTA-STS policies of domains (RFC 8461): asked of the DNS and fetched when first wanted, then known
 * for as long as they say, in this process and in tlsmgr's cache, which outlives it.
 *
 * Every five minutes at most the DNS is asked whether there is a new one. One that is older than a day, or half its
 * age, is fetched again before it ends. A new one that cannot be had leaves the old one in force until that ends; after
 * that, and for who never had one, there is none, and it is tried again after five minutes.
 */
struct daemon;
struct endpoint;
struct host_lookup;
struct loop;
struct resolver;
struct sts_fetcher;
struct sts_policies;

struct sts_policies_options {
    struct daemon *daemon;
    struct loop *loop;
    struct resolver *resolver;
    struct host_lookup *hosts;
    struct sts_fetcher *fetcher; /* belongs to the policies from then on */
    struct endpoint *tlsmgr;
};

struct sts_policies *sts_policies_create(const struct sts_policies_options *options);
/* Nobody may be waiting; what goes on by itself is called off, and waited for. Leaves *policies NULL; NULL is fine. */
void sts_policies_destroy(struct sts_policies **policies);

enum sts_outcome {
    STS_FOUND,
    STS_ABSENT,     /* there is none, or it cannot be had, which is logged */
    STS_CALLED_OFF, /* the process is told to stop: nobody knows yet */
};

/*
 * In a fiber; waits for the policy of a domain that has none in force yet, and a few seconds for a newer one. The
 * policy is in arena.
 */
enum sts_outcome sts_policies_find(struct sts_policies *policies, struct str domain, struct arena *arena,
                                   struct sts_policy *policy_out);

/* What is kept of one, and back: "1 FETCHED ID\nTEXT". False: it is none of ours. For the cache and its tests. */
struct str sts_entry_format(struct arena *arena, struct instant fetched, struct str id, struct str text);
MUST_USE bool sts_entry_parse(struct str entry, struct instant *fetched_out, struct str *id_out, struct str *text_out);

#endif
