/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_OWN_DOMAINS_H
#define SMTP_OWN_DOMAINS_H

#include "config/own_addresses.h"
#include "table/address_lookup.h"
#include "table/match_list.h"

/*
 * own_domains - which domains are this system's: $myorigin, $mydestination, and [address] of this host or its proxies.
 * In tables that are asked for addresses the bare user name is a key of those, too.
 */
struct daemon;
struct shared_settings;

struct own_domains {
    const struct shared_settings *shared;
    struct match_list *mydestination;
    struct own_address_list addresses;
    struct own_address_list proxies;
};

/* Before the jail. The list belongs to the set. */
MUST_USE bool own_domains_open(struct own_domains *domains, struct table_set *set, struct daemon *daemon,
                               struct failure *why);

/* How addresses are looked up, domains being the context. */
struct address_rules own_domains_rules(struct own_domains *domains);

#endif
