/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_FACTS_H
#define TLS_FACTS_H

#include "base/arena.h"

#include <openssl/ssl.h>

/*
 * facts - what is known of an encrypted connection once its handshake is over: for logs, Received fields, policies
 * and tables. Texts from certificates are neutered: printable, one line, without what would break out of quotes.
 */
struct tls_facts {
    struct str protocol; /* "TLSv1.3" */
    struct str cipher;   /* "TLS_AES_256_GCM_SHA384" */
    int used_bits;
    int total_bits;
    /* Of TLS 1.3 only, else empty: what the cipher's name does not tell. */
    struct str key_exchange;     /* "X25519", "ECDHE (prime256v1)" */
    struct str server_signature; /* "ECDSA (prime256v1)" */
    struct str server_digest;    /* "SHA256" */
    struct str client_signature;
    struct str client_digest;
    struct str server_name; /* that the client asked for and that has a certificate of its own; empty: none */
    bool is_resumed;
    bool has_certificate;          /* the peer has shown one */
    bool is_trusted;               /* and an authority that we believe vouches for it */
    struct str common_name;        /* of the peer; without a certificate this and the others are empty */
    struct str issuer_common_name; /* or the issuer's organization */
    struct str subject;            /* "/O=Example/CN=client.example.com" */
    struct str issuer;
    struct str fingerprint;     /* "AB:CD:..." of the certificate */
    struct str key_fingerprint; /* of its public key */
    long verify_error;          /* X509_V_*; 0: none */
    /* Of servers that we connect to: they are who they have to be, by name or fingerprint. */
    bool is_proven;
    struct str proven_name; /* the name that did it; empty: none */
};

struct tls_facts_options {
    const EVP_MD *digest; /* of fingerprints */
    bool has_legacy_key_fingerprints;
    bool is_server; /* we are */
};

/* In arena; the handshake is over. */
const struct tls_facts *tls_facts_collect(SSL *connection, const struct tls_facts_options *options,
                                          struct arena *arena);

/* Of any certificate: its names and fingerprints alone. */
const struct tls_facts *tls_facts_of_certificate(X509 *certificate, const struct tls_facts_options *options,
                                                 struct arena *arena);

/* "TLSv1.3 with cipher ... (256/256 bits) key-exchange ... client-digest SHA256", as the log has it. */
struct str tls_facts_summary(const struct tls_facts *facts, struct arena *arena);
/* "Anonymous", "Untrusted" or "Trusted". */
const char *tls_facts_trust(const struct tls_facts *facts);
/* The same text as "untrusted issuer /CN=...", for verify_error not 0. */
struct str tls_facts_distrust(const struct tls_facts *facts, struct arena *arena);

#endif
