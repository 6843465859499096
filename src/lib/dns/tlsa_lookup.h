/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DNS_TLSA_LOOKUP_H
#define DNS_TLSA_LOOKUP_H

#include "dns/answer.h"

#include <stdint.h>

struct resolver;

/*
 * tlsa_lookup - which certificates a server says it has: TLSA records (RFC 6698), found as RFC 7672 section 2.2 has it
 * for mail.
 *
 * Only what DNSSEC has validated counts, so the resolver must be one that validates. Whether the records can prove
 * anything is tls/dane.h's to say.
 */
enum tlsa_outcome {
    TLSA_FOUND,   /* validated records */
    TLSA_ABSENT,  /* there are none, which is sure, or nothing there is signed: the server has no DANE */
    TLSA_UNKNOWN, /* no answer, or a forged one: the server must not be used now (RFC 7672 section 2.1.3) */
};

/* A server, and what the lookup of its addresses has said. */
struct tlsa_server {
    struct str host;           /* as MX or the user names it */
    struct str canonical_name; /* where its CNAMEs end: host_addresses' or dns_answer's; empty: as host */
    uint16_t port;
    bool is_secure; /* the addresses, with all CNAMEs before them, are validated */
    bool is_forced; /* also look where they are not (smtp_tls_force_insecure_host_tlsa_lookup) */
};

struct tlsa_records {
    enum tlsa_outcome outcome;
    struct str base_domain; /* the host's name that the records stand under, and that the certificate is for: to ask for
                               by SNI (RFC 7672 section 8.1) */
    struct str name;        /* "_25._tcp.mx.example.com": the last asked for; empty: none was */
    const struct dns_record *items;
    size_t count;
    const char *reason; /* UNKNOWN: text for people */
};

/* Waits in the calling fiber. All memory is the arena's. */
void tlsa_lookup(struct resolver *resolver, const struct tlsa_server *server, struct arena *arena,
                 struct tlsa_records *records_out);

#endif
