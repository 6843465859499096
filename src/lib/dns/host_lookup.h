/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_HOST_LOOKUP_H
#define DNS_HOST_LOOKUP_H

#include "base/time.h"
#include "dns/answer.h"

struct loop;
struct resolver;

/*
 * host_lookup - from a host's name to its addresses, and from an address to its confirmed name.
 *
 * "dns" asks the resolver for A and AAAA. "native" is what the C library would say (/etc/hosts, NSS): it is asked in a
 * thread, so that nobody else waits. In a chroot it cannot be asked; there /etc/hosts, opened before, is read and
 * then the resolver asked. All calls wait in the calling fiber.
 */
struct host_lookup;

struct host_lookup_options {
    bool may_use_dns;    /* smtp_host_lookup has "dns" */
    bool may_use_native; /* smtp_host_lookup has "native"; asked when dns knows nothing */
    bool must_use_dns;   /* what dns cannot tell, or finds forged, is not asked natively (with a validating resolver) */
    bool wants_ipv4, wants_ipv6;
    struct duration timeout; /* for one native lookup; 0: 60 seconds */
};

/* Before the jail. The resolver (not NULL) must outlive it. For tests MERPATI_HOSTS names another hosts file. */
struct host_lookup *host_lookup_create(struct loop *loop, struct resolver *resolver,
                                       const struct host_lookup_options *options);
/* No lookup may be waiting. Leaves *lookup NULL; NULL is fine. */
void host_lookup_destroy(struct host_lookup **lookup);

struct host_addresses {
    enum dns_outcome outcome;
    struct ip_address *items; /* IPv6 before IPv4, each family in the order of the answer */
    size_t count;
    const char *reason; /* text for people when not found */
    uint32_t ttl_seconds;
    struct str canonical_name; /* by the DNS: what the name's CNAMEs end at, there or not; else empty */
    bool is_secure;            /* by the DNS, and all of it validated, CNAMEs too; see dns_answer */
};

/* name may be an address itself ("192.0.2.1", "2001:db8::1"). UNKNOWN when any needed question had no answer. */
void host_lookup_addresses(struct host_lookup *lookup, struct str name, struct arena *arena,
                           struct host_addresses *addresses_out);

/* Whether addresses of that family are looked for. */
bool host_lookup_wants(const struct host_lookup *lookup, enum ip_family family);

/* The type to name when there is no such host: that of the last question, "AAAA" or "A". */
const char *host_lookup_type_name(const struct host_lookup *lookup);

enum peer_name_outcome {
    PEER_NAME_CONFIRMED,   /* name: the reverse name, and it leads back to the address */
    PEER_NAME_UNCONFIRMED, /* reverse_name is known but does not lead back (or not to this address) */
    PEER_NAME_ABSENT,      /* the address has no name */
    PEER_NAME_UNKNOWN,     /* a temporary failure of either lookup: asking again may help */
};

struct peer_name {
    enum peer_name_outcome outcome;
    struct str name;         /* the confirmed name, else "unknown" */
    struct str reverse_name; /* the name of the reverse lookup, confirmed or not, else "unknown" */
    bool is_reverse_unknown; /* the reverse lookup itself failed for now (reverse_name is "unknown") */
    struct str trouble;      /* unconfirmed or failed: what to log, "hostname a.example does not resolve to address
                                192.0.2.1" with ": " and the resolver's words where there are any; else empty */
};

/* By the system resolver ("native"), whatever the options say of dns; at most the timeout for each question. */
void host_lookup_peer_name(struct host_lookup *lookup, const struct ip_address *address, struct arena *arena,
                           struct peer_name *name_out);

#endif
