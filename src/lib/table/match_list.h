/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TABLE_MATCH_LIST_H
#define TABLE_MATCH_LIST_H

#include "table/table.h"

/*
 * match_list - a parameter's list of patterns, as mynetworks and mydestination: names, networks, "/file" (its
 * contents stand in its place), "type:table" (matches if the key is found; the value is ignored), "!pattern".
 *
 * The first pattern that matches decides, so an exclusion stands before what it excludes from. /file is read and
 * tables are opened at open; what is broken then (missing file, bad network) makes a lookup that reaches it UNKNOWN.
 * The list belongs to its set. Names are compared without case.
 */
struct match_list;

enum match_kind {
    MATCH_STRINGS, /* exact: smtpd_discard_…, debug levels, names of users (authorized_submit_users) */
    MATCH_DOMAINS, /* "example.com" (and, with parents, what is under it), without parents ".example.com" (what is under
                      it) */
    MATCH_HOSTS,   /* hosts: names as MATCH_DOMAINS, and addresses, networks, [v6]; as mynetworks */
};

/* parents: "example.com" also matches its subdomains (parent_domain_matches_subdomains names the parameter). */
struct match_list *match_list_open(struct table_set *set, struct str title, struct str value, enum match_kind kind,
                                   bool parents);

bool match_list_is_empty(const struct match_list *list);

/* STRINGS and DOMAINS lists. FOUND: matches; ABSENT: does not. */
MUST_USE enum table_result match_list_has(struct match_list *list, struct str name, struct failure *why);

/*
 * HOSTS lists: name is the verified name or "unknown", address "192.0.2.1" or "2001:db8::1" without brackets. Each
 * pattern is tried on both.
 */
MUST_USE enum table_result match_list_has_host(struct match_list *list, struct str name, struct str address,
                                               struct failure *why);

#endif
