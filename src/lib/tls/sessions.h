/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_SESSIONS_H
#define TLS_SESSIONS_H

#include "base/arena.h"
#include "base/time.h"
#include "tls/library.h"

struct tls_demand;

/*
 * sessions - what is kept of a handshake with a server, so that the next one is a short one (RFC 5246 section 7.3,
 * RFC 8446 section 2.2).
 *
 * What a server has proved comes with its session: so a session is found again only under all that was demanded
 * then, by a client that believes the same authorities and shows the same certificates, and only what a demand was
 * satisfied with is kept. Its certificate may not have expired since.
 */
struct tls_session_store {
    /* May wait. False: there is none. */
    bool (*load)(void *context, struct str id, struct arena *arena, struct str *session_out);
    /* Must not wait. What is given is copied. */
    void (*save)(void *context, struct str id, struct str session, struct instant ends);
    void (*forget)(void *context, struct str id);
    void *context;
};

struct tls_session_options {
    struct tls_session_store store;
    const char *name;         /* "smtp": for the log */
    struct duration lifetime; /* of a session in the store */
};

/* Of what a context believes, and how: 64 characters. In arena. */
struct str tls_belief_digest(SSL_CTX *context, struct arena *arena);
/* The same, and of the certificates that it shows. */
struct str tls_context_digest(SSL_CTX *context, struct arena *arena);
/* "TITLE&DIGEST": a session's name in the store. */
struct str tls_session_id(const struct tls_demand *demand, struct str context_digest, struct arena *arena);

/* Its connections may have a place for sessions. */
void tls_sessions_attach(SSL_CTX *context);

/*
 * A connection whose sessions are to be kept under an id; options live as long as it. The session that is there now is
 * taken up; needs_proof: unless its certificate has expired. May wait: before the handshake.
 */
void tls_session_prepare(SSL *connection, const struct tls_session_options *options, struct str id, bool needs_proof,
                         const struct tls_listener *listener, bool is_told, struct arena *arena);
/* After the handshake. is_good: it may be used again; else none is kept, and what was there is forgotten. */
void tls_session_conclude(SSL *connection, bool is_good);

#endif
