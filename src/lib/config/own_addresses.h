/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CONFIG_OWN_ADDRESSES_H
#define CONFIG_OWN_ADDRESSES_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/ip_address.h"

/*
 * own_addresses - what inet_interfaces and proxy_interfaces mean on this host, by inet_protocols.
 *
 * Names are asked of the system's resolver, which may block: call it at start, before a jail. A name that
 * does not resolve is a configuration failure.
 */
struct main_cf;

struct own_address {
    struct ip_address address;
    unsigned prefix_bits; /* of its network; all bits if the host has no such interface */
    bool is_loopback;
};

struct own_address_list {
    struct own_address *items;
    size_t count;
};

/* inet_protocols: all or a list of ipv4 and ipv6. */
struct inet_protocols {
    bool has_ipv4;
    bool has_ipv6;
};

MUST_USE bool own_addresses(const struct main_cf *cf, struct arena *arena, struct own_address_list *list_out,
                            struct failure *why);
MUST_USE bool own_proxy_addresses(const struct main_cf *cf, struct arena *arena, struct own_address_list *list_out,
                                  struct failure *why);
/* Another text in the language of inet_interfaces: master.cf's host part, smtp_bind_address. */
MUST_USE bool own_addresses_of(struct str text, struct inet_protocols protocols, struct arena *arena,
                               struct own_address_list *list_out, struct failure *why);
MUST_USE bool inet_protocols_parse(struct str text, struct inet_protocols *protocols_out, struct failure *why);
bool own_address_list_has(const struct own_address_list *list, const struct ip_address *address);

#endif
