/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_DANE_H
#define TLS_DANE_H

#include "base/arena.h"
#include "base/strlist.h"
#include "dns/answer.h"

#include <openssl/ssl.h>

struct tls_listener;

/*
 * dane - what TLSA records can prove (RFC 6698, 7671), of the kinds that mail knows: usages 2 (DANE-TA) and 3
 * (DANE-EE), of certificates and of keys, in full or by a digest (RFC 7672 section 3.1).
 */
enum { TLS_DANE_DIGESTS_MAXIMUM = 16 };

struct tls_dane_digests {
    struct {
        const EVP_MD *digest;
        uint8_t type;                  /* the matching type of RFC 6698 section 2.1.3 */
    } items[TLS_DANE_DIGESTS_MAXIMUM]; /* the best first */
    size_t count;
};

/* tls_dane_digests: "sha512 sha256", "sha512=2". A word that is wrong is told, and left out. */
void tls_dane_digests_parse(struct str text, const struct tls_listener *listener, struct tls_dane_digests *digests_out);

/* Whether a record can prove anything. False: *problem_out says why not, in a few words. */
MUST_USE bool tls_dane_is_usable(const struct tls_dane_digests *digests, const struct dns_record *record,
                                 const char **problem_out);

/* "3 1 1 0A1B...": as in zone files, the data shortened. */
struct str tls_dane_text(const struct dns_record *record, struct arena *arena);

/* After a handshake that has proved it, "Matched DANE EE certificate at depth 0: 3 1 1 0A1B..."; else empty. */
struct str tls_dane_match(SSL *connection, struct arena *arena);

/* What the context's connections are to know before records are given to them. */
MUST_USE bool tls_dane_allow(const struct tls_dane_digests *digests, SSL_CTX *context);

/*
 * Demands that the server is the one that the usable ones among the records speak of. names: of the certificate, where
 * an authority is recorded. False: there is no name, none is usable, or OpenSSL's errors say why.
 */
MUST_USE bool tls_dane_demand(const struct tls_dane_digests *digests, SSL *connection, const struct dns_record *records,
                              size_t count, const struct strlist *names, struct arena *arena);

#endif
