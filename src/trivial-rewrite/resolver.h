/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRIVIAL_REWRITE_RESOLVER_H
#define TRIVIAL_REWRITE_RESOLVER_H

#include "config/shared_settings.h"
#include "protocol/rewrite.h"
#include "table/table.h"
#include "trivial-rewrite/settings.h"

/*
 * resolver - where an address goes: its class, transport and next hop.
 *
 * Operators of old in the local part (user%site, site!user, user@site) are followed while the domain is this
 * host's own. A table that cannot answer makes the whole answer RESOLVE_DEFER, never a guess.
 */
struct resolver;

/* Opens all lists and tables, so before a jail. Everything lives in arena and set. */
MUST_USE bool resolver_create(const struct trivial_rewrite_settings *settings, const struct shared_settings *shared,
                              const struct main_cf *cf, struct table_set *set, struct arena *arena,
                              struct resolver **resolver_out, struct failure *why);

/* sender and address in internal form. The answer lives in arena. */
void resolver_resolve(struct resolver *resolver, struct str sender, struct str address, struct arena *arena,
                      struct resolved_address *resolved_out);

#endif
