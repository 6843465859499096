/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_ANCHORS_H
#define TLS_ANCHORS_H

#include "base/arena.h"
#include "base/failure.h"
#include "dns/answer.h"

/*
 * anchors - the few whom to believe instead of all others: files of certificates and public keys of authorities in PEM.
 *
 * They become TLSA records of the usage 2 that hold all of a certificate or key (RFC 7671 section 5.2), so that a
 * server is demanded to prove itself by TLS_PROOF_DANE and its names, whether or not it sends the anchor along, and
 * whether or not the anchor is signed by somebody else.
 */
struct tls_anchors {
    struct dns_record *records;
    size_t count;
};

enum { TLS_ANCHORS_MAXIMUM = 200 };

/* Adds those of a file. False: it cannot be read, or holds none, or too many. All memory is the arena's. */
MUST_USE bool tls_anchors_read(struct tls_anchors *anchors, const char *path, struct arena *arena, struct failure *why);

#endif
