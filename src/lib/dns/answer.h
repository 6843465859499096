/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include "base/arena.h"
#include "base/ip_address.h"

/*
 * dns answer - what a DNS server said, as typed records.
 *
 * All memory is the arena's that the lookup was given. Names have no final dot and are lower-cased;
 * the root is the empty name (an MX with it is a null MX, RFC 7505). A name that is not a host name
 * (letters, digits, '-', '_', '.', or 8-bit) never appears where a host is meant: such a record is dropped and
 * counted in malformed_count.
 */
enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_SRV = 33,
    DNS_TYPE_TLSA = 52,
};

enum dns_outcome {
    DNS_FOUND,         /* at least one record of the type */
    DNS_ABSENT_NAME,   /* the name does not exist (NXDOMAIN) */
    DNS_ABSENT_RECORD, /* the name exists without such a record (NODATA) */
    DNS_UNKNOWN,       /* no answer, or one that cannot be trusted: try later */
};

struct dns_record {
    enum dns_type type;
    uint32_t ttl_seconds;
    uint16_t preference;   /* MX preference, SRV priority */
    uint16_t weight, port; /* SRV */
    uint8_t tlsa_usage, tlsa_selector, tlsa_matching;
    struct str name;           /* CNAME, NS, PTR, MX, SRV: the host named */
    struct str data;           /* TXT: its strings joined; TLSA: the association, binary */
    struct ip_address address; /* A, AAAA */
};

struct dns_answer {
    enum dns_outcome outcome;
    struct dns_record *records; /* in the server's order */
    size_t count;
    size_t malformed_count;
    struct str canonical_name; /* the owner of the records after CNAMEs; the name asked for when none */
    bool is_secure;            /* validated by DNSSEC; false unless validation was asked */
    const char *reason;        /* UNKNOWN or ABSENT: "Host not found", "Host not found, try again",
                                  "Host found but no data record of requested type", ... */
};

/*
 * Reads a reply packet to a question of this type, following CNAMEs inside it. Never fails: what cannot be read is
 * outcome DNS_UNKNOWN. Pure; any bytes are fine.
 */
void dns_answer_parse(struct dns_answer *answer_out, struct arena *arena, const void *packet, size_t len,
                      struct str name, enum dns_type type);

const char *dns_type_name(enum dns_type type);

#endif
