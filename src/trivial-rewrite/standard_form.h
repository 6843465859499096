/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRIVIAL_REWRITE_STANDARD_FORM_H
#define TRIVIAL_REWRITE_STANDARD_FORM_H

#include "base/arena.h"

/*
 * standard_form - an address made complete: user becomes user@origin, site!user and user%site become
 * user@site, user@host becomes user@host.domain, a source route and a dot at the end are taken away.
 *
 * Addresses are in external (quoted) form; what is quoted has no special meaning. Pure: no table is asked.
 */
struct standard_form_rules {
    struct str origin; /* put to addresses without a domain; empty: they stay so */
    struct str domain; /* put to domains without a dot; empty: they stay so */
    bool may_swap_bangpath;
    bool may_use_percent;
};

/* The null address stays empty. The result lives in arena. */
struct str standard_form(const struct standard_form_rules *rules, struct str address, struct arena *arena);

/* The last step alone: the dot at a domain's end goes, a domain without dots is made complete. */
struct str standard_form_domain(const struct standard_form_rules *rules, struct str domain, struct arena *arena);

#endif
