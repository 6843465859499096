/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_TARGET_H
#define SMTP_TARGET_H

#include "base/ip_address.h"
#include "smtp/trouble.h"

/*
 * target - the servers of a next hop, in the order in which they are tried: by preference of MX or SRV, mixed among
 * equals, without ourselves and whoever stands behind us (RFC 5321 section 5.1).
 */
struct nexthop;
struct smtp;

struct target {
    struct str host;
    struct str path; /* of a Unix socket; empty: TCP */
    struct ip_address address;
    uint16_t port;
    uint16_t preference;
    uint16_t rank; /* among those of equal preference: of SRV records, by lot */
    bool is_best;  /* no other has a better preference: mail that comes back from it loops */

    /* What DNSSEC has proved of it, for dane.h; false and empty where nothing is validated. */
    struct str lookup_name;    /* that its addresses were looked up by */
    struct str canonical_name; /* where that name's CNAMEs end; empty: as it */
    struct str domain;         /* where those of the next hop end, if that is proven; else empty */
    bool is_proven;            /* that it is a server of the next hop; one that is named outright is, too */
    bool is_address_proven;    /* with all CNAMEs before the address */
};

struct target_list {
    struct target *items;
    size_t count;
    bool has_self; /* we are one of them: whoever else takes mail for there, it is not the fallback relay */
    bool is_self;  /* we are the best of them: nobody is left */
};

/* Waits for the DNS. False: the trouble says why there is no server; the list's has_self is set all the same. */
MUST_USE bool target_find(struct smtp *smtp, const struct nexthop *nexthop, struct arena *arena,
                          struct target_list *list_out, struct trouble *trouble_out);

/* The rules of order alone, for target_find and its tests. */
void target_list_sort(struct target_list *list, const struct smtp *smtp);
/* Shortens to the limit (0: none); with is_balanced the last place goes to a family that would have none. */
void target_list_limit(struct target_list *list, size_t limit, bool is_balanced);

#endif
