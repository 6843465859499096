/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "base/time.h"
#include "tls/facts.h"
#include "tls/identity.h"

struct stream;
struct tls_ticket_source;

/*
 * server - the encrypted side of a service that others connect to.
 *
 * Made before the jail: keys and certificates are in its memory from then on, and in no file that the process could
 * open. A handshake is a fiber's: it waits in the stream and holds up nobody else. After it the stream has the same
 * calls as before, and what had come in clear is dropped: it never counts as said under TLS.
 *
 * OpenSSL reads and writes the stream's descriptor itself and never waits: between a call and the look at its errors no
 * other fiber runs. An idle connection holds no buffers.
 */
struct tls_server;

/* What is known of a name that a client asks for (tls_server_sni_maps). */
enum tls_name_result {
    TLS_NAME_ABSENT,
    TLS_NAME_FOUND,
    TLS_NAME_BROKEN, /* told; the handshake ends: another name's certificate is none for this one */
};

struct tls_server_options {
    const struct tls_settings *settings;
    struct tls_identity identity;
    struct tls_authorities authorities;
    struct str protocols;
    struct str ciphers; /* a grade */
    const struct str *exclusions;
    size_t exclusion_count;
    struct str dh_file; /* empty or "auto": OpenSSL's own groups */
    bool asks_certificate;
    bool requires_certificate; /* the caller ends sessions without a trusted one; here it is told of */
    int verify_depth;
    struct str fingerprint_digest;
    struct duration session_lifetime;              /* of tickets; 0: none */
    struct str session_context;                    /* sessions of another one are not resumed */
    const struct tls_ticket_source *ticket_source; /* where the keys of tickets come from; NULL: of the process */
    int log_level;
    tls_opening *opening; /* told of each file before it is read */
    void *opening_context;
    const struct tls_listener *listener; /* lives as long as the server */
    /* Keys and certificates in PEM for a name, or for a domain as ".example.com". May wait. NULL: no names are looked
     * at. */
    enum tls_name_result (*find_name)(void *context, struct str name, struct arena *arena, struct str *pem_out);
    void *find_context;
};

/* Tells the listener what is wrong, and returns NULL: there is no TLS. */
struct tls_server *tls_server_create(const struct tls_server_options *options);
/* All its connections are over. Leaves *server NULL; NULL is fine. */
void tls_server_destroy(struct tls_server **server);

/* What had come in clear before the handshake. */
enum tls_clear_input {
    TLS_CLEAR_DROPPED,      /* after STARTTLS: somebody may have put it there */
    TLS_CLEAR_IS_HANDSHAKE, /* the handshake has begun with the connection, and what was read with a header before it is
                               it */
};

/*
 * The handshake. timeout is for all of it. peer is for the log, "name[address]". False when it failed, which has been
 * told: then nothing more can be said on the stream. The facts are in arena; the stream owns the connection.
 */
MUST_USE bool tls_server_accept(struct tls_server *server, struct stream *stream, enum tls_clear_input clear,
                                struct duration timeout, struct str peer, struct arena *arena,
                                const struct tls_facts **facts_out);

#endif
