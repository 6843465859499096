/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTTLS_FINGER_HOSTS_H
#define POSTTLS_FINGER_HOSTS_H

#include "delivery/nexthop.h"
#include "dns/tlsa_lookup.h"
#include "posttls-finger/options.h"

struct host_lookup;
struct resolver;

/* hosts - the servers of a destination, in the order in which they are asked, and their TLSA records. */
struct finger_host {
    struct str name;
    struct str canonical_name; /* where its CNAMEs end */
    struct ip_address address;
    uint16_t port;
    uint16_t preference;
    bool is_named_securely; /* by the user, or by validated MX records */
    bool is_secure;         /* the addresses are validated */
};

struct finger_hosts {
    struct finger_host *items;
    size_t count;
};

/* Waits for the DNS. False: why there is none. */
MUST_USE bool finger_hosts_find(struct resolver *resolver, struct host_lookup *lookup, const struct nexthop *nexthop,
                                const struct finger_options *options, struct arena *arena,
                                struct finger_hosts *hosts_out, struct failure *why);

#endif
