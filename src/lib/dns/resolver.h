/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include "base/failure.h"
#include "base/time.h"
#include "dns/answer.h"

struct loop;

/*
 * dns resolver - asks the name servers of /etc/resolv.conf from a fiber, on the loop, without threads.
 *
 * One a process, created before the jail: it opens resolv.conf then, and looks at most once a second,
 * with a lookup, whether the file has changed. A file put in its place is seen outside of a jail only; in one the
 * next generation of the process finds it, so daemon_watch_file(resolver_path()).
 * Answers are cached by their ttl. Without validation a server's word is taken as it is. With it (RFC 4035) an answer
 * is secure when signatures lead from it to a trust anchor, and DNS_UNKNOWN when they should and do not.
 *
 * For tests the environment variable MERPATI_RESOLV_CONF names another file; "nameserver 127.0.0.1@5353" in
 * any such file gives a port. So does MERPATI_TRUST_ANCHORS for the trust anchors.
 */
struct resolver;

struct resolver_options {
    const char *resolv_conf; /* NULL: MERPATI_RESOLV_CONF, else /etc/resolv.conf */
    struct duration timeout; /* for one lookup; 0: what the file's options say; at most, and without any, 30 seconds */
    bool is_validating;      /* DNSSEC, by the trust anchors of resolver_anchors_path() */
    /* For addresses, as the C library's RES_DEFNAMES and RES_DNSRCH: names are looked up in resolv.conf's domains too.
     */
    bool appends_domain; /* a name without a dot, in the first of them */
    bool searches;       /* a name with a dot that is not found, in all; with appends_domain, one without too */
};

/* The file that a resolver without resolv_conf in its options reads. */
const char *resolver_path(void);
/* The file of trust anchors of one that validates: DNSKEY or DS records, one a line. It is read once. */
const char *resolver_anchors_path(void);

/*
 * Not from a fiber. Without a readable file, or a server in it, 127.0.0.1 is asked, as the C library does. False: there
 * is nothing to validate by.
 */
MUST_USE bool resolver_create(struct loop *loop, const struct resolver_options *options, struct resolver **resolver_out,
                              struct failure *why);
/* No lookup may be waiting. Leaves *resolver NULL; NULL is fine. */
void resolver_destroy(struct resolver **resolver);

enum resolver_verdict {
    RESOLVER_KEEP,
    RESOLVER_DROP,   /* the record is left out of the answer */
    RESOLVER_UNSURE, /* cannot be told for now: the answer becomes DNS_UNKNOWN */
};

/* Asked of each record, in the fiber of the lookup, where it may wait. */
typedef enum resolver_verdict resolver_filter(void *context, struct str owner, const struct dns_record *record);

/* The reason of an answer of which the filter left nothing: it is DNS_UNKNOWN. */
#define RESOLVER_NOTHING_LEFT "DNS reply filter drops all results"
/* And of one of which it could not tell. */
#define RESOLVER_FILTER_UNSURE "Invalid DNS reply filter syntax"

/* And of one whose signatures are missing or wrong. */
#define RESOLVER_BOGUS "DNSSEC validation failure"

/* From now on. */
void resolver_set_filter(struct resolver *resolver, resolver_filter *filter, void *context);

/*
 * Waits in the calling fiber, at most the resolver's timeout, for the records of name (absolute, unless the options say
 * otherwise). The answer's memory is the arena's. Never fails: trouble of any sort is outcome DNS_UNKNOWN.
 */
void resolver_lookup(struct resolver *resolver, struct str name, enum dns_type type, struct arena *arena,
                     struct dns_answer *answer_out);

/*
 * Nobody wants the answer any more: the lookup that was given answer_out ends with DNS_UNKNOWN, in its fiber, at the
 * loop's next turn. One that has just been answered goes on to its end. Nothing is asked: nothing happens.
 */
void resolver_cancel(struct resolver *resolver, const struct dns_answer *answer_out);

#endif
