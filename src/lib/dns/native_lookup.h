/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_NATIVE_LOOKUP_H
#define DNS_NATIVE_LOOKUP_H

#include "base/time.h"
#include "dns/answer.h"

struct offload;

/*
 * native_lookup - getaddrinfo and getnameinfo in a thread, for the fiber that waits. Useless in a chroot.
 * Outcomes are dns's; the reason is the C library's own text.
 */
struct native_addresses {
    enum dns_outcome outcome;
    struct ip_address *items;
    size_t count;
    const char *reason;
};

/* family: AF_INET, AF_INET6 or AF_UNSPEC. */
void native_lookup_addresses(struct offload *offload, struct str name, int family, struct duration timeout,
                             struct arena *arena, struct native_addresses *addresses_out);

/* name_out is empty unless DNS_FOUND. */
enum dns_outcome native_lookup_name(struct offload *offload, const struct ip_address *address, struct duration timeout,
                                    struct arena *arena, struct str *name_out);

#endif
