/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TLS_CONNECTION_H
#define TLS_CONNECTION_H

#include "base/failure.h"
#include "base/time.h"
#include "tls/library.h"

struct stream;

/* connection - one OpenSSL connection under a stream. */
struct tls_connection;

/*
 * Takes ssl, whose side (accept or connect) is set. The stream's descriptor stays the stream's. first: what the peer's
 * handshake begins with, before what the descriptor has to say; it is copied.
 */
struct tls_connection *tls_connection_create(SSL *ssl, struct stream *stream, struct str first,
                                             const struct tls_listener *listener);
/* Tells the peer that the session is over, as far as that needs no wait. Leaves *connection NULL; NULL is fine. */
void tls_connection_destroy(struct tls_connection **connection);
SSL *tls_connection_ssl(const struct tls_connection *connection);

enum tls_step {
    TLS_STEP_DONE,
    TLS_STEP_NAME,   /* the client hello has come: look at it, and go on */
    TLS_STEP_FAILED, /* why says so: FAILURE_TIMEOUT, FAILURE_STOPPED; FAILURE_PROTOCOL: errors are in the queue, or it
                        closed */
};

/* Goes on with the handshake, waiting in the stream. */
MUST_USE enum tls_step tls_connection_step(struct tls_connection *connection, struct stream *stream,
                                           struct failure *why);

/* From now on all that goes through the stream is encrypted; the stream owns the connection. */
void tls_connection_attach(struct tls_connection **connection, struct stream *stream);

#endif
