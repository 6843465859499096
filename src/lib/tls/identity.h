/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

#include "tls/library.h"

/*
 * identity - private keys and certificates: read from files into OpenSSL's context, before privileges go.
 *
 * Each file is told to opening() before it is read, whether it is there or not, so that master can watch it. What is
 * wrong is told to the listener, as Postfix tells it; the functions then return false and nothing of it may be used.
 */
struct tls_identity {
    const char *side;            /* of the parameters' names: "smtpd", "smtp" */
    struct str chain_files;      /* keys, each followed by its certificate and those above it */
    struct str certificate_file; /* RSA, or any kind; the others are older names for the same */
    struct str key_file;
    struct str dsa_certificate_file;
    struct str dsa_key_file;
    struct str ec_certificate_file;
    struct str ec_key_file;
};

/* Whom to believe. */
struct tls_authorities {
    struct str file;
    struct str directory;
    bool with_default; /* and those of the system */
};

typedef void tls_opening(void *context, const char *path);

/* There is something to load, or it is said that there is to be none ("none"). */
bool tls_identity_is_given(const struct tls_identity *identity);
MUST_USE bool tls_identity_load(const struct tls_identity *identity, SSL_CTX *context, tls_opening *opening,
                                void *opening_context, const struct tls_listener *listener);

/* Keys and certificates in PEM for one connection alone; title is for messages. */
MUST_USE bool tls_identity_use_pem(SSL *connection, struct str pem, const char *title,
                                   const struct tls_listener *listener);

/* A value of tls_server_sni_maps, as postmap -F makes it of files, is their content in base64. False: it is none. */
MUST_USE bool tls_identity_decode(struct str value, struct arena *arena, struct str *pem_out);

/* All certificates of the directory are read now: nothing can be opened later. */
MUST_USE bool tls_authorities_load(const struct tls_authorities *authorities, SSL_CTX *context, tls_opening *opening,
                                   void *opening_context, const struct tls_listener *listener);
/* The same as text, for who believes by other means: certificates in PEM, one behind the other, in arena. */
MUST_USE bool tls_authorities_pem(const struct tls_authorities *authorities, struct arena *arena, tls_opening *opening,
                                  void *opening_context, const struct tls_listener *listener, struct str *pem_out);

#endif
