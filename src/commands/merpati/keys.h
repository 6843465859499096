/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MERPATI_KEYS_H
#define MERPATI_KEYS_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/strbuf.h"
#include "base/strlist.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/*
 * keys - private keys, certificates and requests as PEM files have them (RFC 7468), made and read by OpenSSL.
 *
 * Whoever gets a key or certificate frees it by OpenSSL's call. Failures say what the library said. Nobody is asked for
 * a passphrase: a key that has one cannot be read, here as in the services.
 */
enum key_algorithm {
    KEY_RSA,
    KEY_ECDSA,
    KEY_OTHER,
};

enum key_algorithm key_algorithm_of(const EVP_PKEY *key);
/* "rsa", "ecdsa"; anything else is KEY_OTHER. */
enum key_algorithm key_algorithm_parse(struct str name);
const char *key_algorithm_name(enum key_algorithm algorithm);

/* size: bits (RSA) or a curve's name (ECDSA); empty: 2048, and P-256. */
MUST_USE bool key_generate(enum key_algorithm algorithm, struct str size, EVP_PKEY **key_out, struct failure *why);

/* The first in the file. */
MUST_USE bool key_load(const char *path, EVP_PKEY **key_out, struct failure *why);
MUST_USE bool certificate_load(const char *path, X509 **certificate_out, struct failure *why);
/* The same of a text; name is for messages. */
MUST_USE bool key_parse(struct str pem, const char *name, EVP_PKEY **key_out, struct failure *why);
MUST_USE bool certificate_parse(struct str pem, const char *name, X509 **certificate_out, struct failure *why);

/* Appends PEM. The certificate is signed by its own key and holds for 100 years; the first name is its subject. */
MUST_USE bool key_write(EVP_PKEY *key, struct strbuf *pem, struct failure *why);
MUST_USE bool certificate_sign_self(EVP_PKEY *key, const struct strlist *names, struct strbuf *pem,
                                    struct failure *why);
/* A request to an authority for these names. */
MUST_USE bool certificate_request(EVP_PKEY *key, const struct strlist *names, struct strbuf *pem, struct failure *why);

/* SHA-256 of the public key, in hexadecimal: the data of "TLSA 3 1 1" (RFC 7671 section 5.1). */
MUST_USE bool key_digest(EVP_PKEY *key, struct arena *arena, struct str *digest_out, struct failure *why);

#endif
