/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_ADDRESS_LOOKUP_H
#define TABLE_ADDRESS_LOOKUP_H

#include "table/table_list.h"

/*
 * address_lookup - which parts of an address, domain or network address are looked up, and in which order.
 *
 * The whole key is asked of every table; parts are asked of FIXED tables only (regexp:, pcre: and cidr: see the whole
 * key). The first answer, FOUND or UNKNOWN, ends the search. Addresses come in internal form (unquoted); where the
 * local part needs quoting, the quoted (external) form is asked first, then the internal one, as existing tables have
 * either.
 */

/* Steps of a search for a mail address, tried in this order. */
enum address_step {
    ADDRESS_FULL = 1 << 0,         /* user+ext@domain */
    ADDRESS_NO_EXTENSION = 1 << 1, /* user@domain */
    ADDRESS_LOCALPART_IF_LOCAL =
        1 << 2,                 /* user+ext, user: where is_local_domain says yes to the domain, or there is none */
    ADDRESS_AT_DOMAIN = 1 << 3, /* @domain */
    ADDRESS_DOMAIN = 1 << 4,    /* domain */
    ADDRESS_PARENT_DOMAINS = 1 << 5, /* its parents: domain or .domain, see parents_match_subdomains */
    ADDRESS_LOCALPART_AT = 1 << 6,   /* user+ext@, user@ */
    ADDRESS_LOCALPART = 1 << 7,      /* user+ext, user whatever the domain */

    /* virtual_alias_maps, canonical_maps, relocated_maps, virtual_mailbox_maps, sender_dependent_… */
    ADDRESS_STEPS_DEFAULT = ADDRESS_FULL | ADDRESS_NO_EXTENSION | ADDRESS_LOCALPART_IF_LOCAL | ADDRESS_AT_DOMAIN,
    /* access(5), for check_sender_access and check_recipient_access */
    ADDRESS_STEPS_ACCESS =
        ADDRESS_FULL | ADDRESS_NO_EXTENSION | ADDRESS_DOMAIN | ADDRESS_PARENT_DOMAINS | ADDRESS_LOCALPART_AT,
    /* transport(5); the caller asks "*" last */
    ADDRESS_STEPS_TRANSPORT = ADDRESS_FULL | ADDRESS_NO_EXTENSION | ADDRESS_DOMAIN | ADDRESS_PARENT_DOMAINS,
};

struct address_rules {
    unsigned steps;
    struct str recipient_delimiter; /* a set of bytes; empty: no extensions */
    bool is_owner_plain;            /* owner-name and name-request are split too: owner_request_special is off */
    bool parents_match_subdomains;  /* parent keys are "example.com" rather than ".example.com" */
    /* For LOCALPART_IF_LOCAL: FOUND if the domain is $myorigin, in $mydestination, or an own [address]. NULL: never. */
    enum table_result (*is_local_domain)(void *context, struct str domain, struct failure *why);
    void *context;
};

struct address_answer {
    struct str value;
    struct str key;       /* what was found */
    struct str table;     /* where */
    struct str extension; /* "+ext", with its delimiter, if user or user@domain matched without it: for propagation;
                             else empty */
};

/* Answers live in the arena. */
MUST_USE enum table_result address_lookup(struct table_list *list, const struct address_rules *rules,
                                          struct str address, struct arena *arena, struct address_answer *answer_out,
                                          struct failure *why);

/* A domain or host name, then its parents up to the top level. "[192.0.2.1]" has no parents. */
MUST_USE enum table_result domain_lookup(struct table_list *list, bool parents_match_subdomains, struct str domain,
                                         struct arena *arena, struct address_answer *answer_out, struct failure *why);

/* "192.0.2.1", "192.0.2", "192.0", "192"; "2001:db8::1" loses its last part at each step. */
MUST_USE enum table_result network_lookup(struct table_list *list, struct str address, struct arena *arena,
                                          struct address_answer *answer_out, struct failure *why);

#endif
