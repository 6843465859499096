/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/connection.h"

#include "base/memory.h"
#include "run/stream.h"

#include <errno.h>
#include <openssl/err.h>

struct tls_connection {
    SSL *ssl;
    const struct tls_listener *listener;
    bool has_first; /* the input is what had been read before, not yet the descriptor */
    bool is_broken; /* a fatal error: OpenSSL wants no more calls */
};

/* A copy of it, which asks for more at its end. */
static bool set_first(SSL *ssl, struct str first)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL || BIO_write(bio, first.data, (int) first.len) != (int) first.len) {
        BIO_free(bio);
        return false;
    }
    BIO_set_mem_eof_return(bio, -1);
    SSL_set0_rbio(ssl, bio);
    return true;
}

struct tls_connection *tls_connection_create(SSL *ssl, struct stream *stream, struct str first,
                                             const struct tls_listener *listener)
{
    struct tls_connection *connection = memory_alloc(sizeof *connection);

    *connection = (struct tls_connection){ .ssl = ssl, .listener = listener };
    /* An idle connection gives its buffers back; what stream_write could send in part is sent in part. */
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
    connection->is_broken = SSL_set_fd(ssl, stream_fd(stream)) != 1;
    if (first.len > 0 && !connection->is_broken) {
        connection->has_first = true;
        connection->is_broken = !set_first(ssl, first);
    }
    return connection;
}

void tls_connection_destroy(struct tls_connection **pointer)
{
    struct tls_connection *connection = *pointer;

    if (connection == NULL)
        return;
    tls_library_begin();
    if (!connection->is_broken && SSL_is_init_finished(connection->ssl))
        (void) SSL_shutdown(connection->ssl);
    tls_library_begin();
    SSL_free(connection->ssl);
    memory_free(connection);
    *pointer = NULL;
}

SSL *tls_connection_ssl(const struct tls_connection *connection)
{
    return connection->ssl;
}

/* ---- the handshake ---- */

static enum tls_step fail(struct tls_connection *connection, int error, int number, struct failure *why)
{
    connection->is_broken = true;
    if (error == SSL_ERROR_SYSCALL && number != 0)
        (void) failure_system(why, number, "handshake");
    else
        (void) failure_set(why, FAILURE_PROTOCOL, 0,
                           error == SSL_ERROR_ZERO_RETURN || error == SSL_ERROR_SYSCALL ? "lost connection" : "-1");
    return TLS_STEP_FAILED;
}

enum tls_step tls_connection_step(struct tls_connection *connection, struct stream *stream, struct failure *why)
{
    for (;;) {
        enum stream_wait wait = STREAM_WAIT_READ;
        int result, error;

        tls_library_begin();
        errno = 0;
        result = SSL_do_handshake(connection->ssl);
        if (result == 1)
            return TLS_STEP_DONE;
        error = SSL_get_error(connection->ssl, result);
        if (error == SSL_ERROR_WANT_CLIENT_HELLO_CB)
            return TLS_STEP_NAME;
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
            return fail(connection, error, errno, why);
        if (error == SSL_ERROR_WANT_READ && connection->has_first) {
            connection->has_first = false;
            if (SSL_set_rfd(connection->ssl, stream_fd(stream)) == 1)
                continue;
        }
        if (error == SSL_ERROR_WANT_WRITE)
            wait = STREAM_WAIT_WRITE;
        if (!stream_wait_ready(stream, wait, why)) {
            connection->is_broken = true;
            return TLS_STEP_FAILED;
        }
    }
}

/* ---- under the stream ---- */

/* What a call that gave nothing means; -1 with errno, or 0 for the end. */
static ssize_t conclude(struct tls_connection *connection, int result, enum stream_wait *wait_out)
{
    int number = errno;

    switch (SSL_get_error(connection->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *wait_out = STREAM_WAIT_READ;
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_WANT_WRITE:
        *wait_out = STREAM_WAIT_WRITE;
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        connection->is_broken = true;
        errno = number;
        return number == 0 ? 0 : -1;
    default:
        break;
    }
    connection->is_broken = true;
    tls_library_warn_errors(connection->listener);
    errno = EPROTO;
    return -1;
}

/* All that is there and fits: what was sent together is seen together, in however many records it came. */
static ssize_t read_records(void *context, int fd, void *data, size_t size, enum stream_wait *wait_out)
{
    struct tls_connection *connection = context;
    size_t total = 0, count;

    (void) fd;
    if (connection->is_broken) {
        errno = EPROTO;
        return -1;
    }
    do {
        int result;

        tls_library_begin();
        errno = 0;
        result = SSL_read_ex(connection->ssl, (char *) data + total, size - total, &count);
        if (result != 1)
            return total > 0 ? (ssize_t) total : conclude(connection, result, wait_out);
        total += count;
    } while (total < size && SSL_has_pending(connection->ssl));
    return (ssize_t) total;
}

static ssize_t write_records(void *context, int fd, const void *data, size_t size, enum stream_wait *wait_out)
{
    struct tls_connection *connection = context;
    size_t count;
    int result;

    (void) fd;
    if (connection->is_broken) {
        errno = EPIPE;
        return -1;
    }
    tls_library_begin();
    errno = 0;
    result = SSL_write_ex(connection->ssl, data, size, &count);
    if (result == 1)
        return (ssize_t) count;
    if (conclude(connection, result, wait_out) == 0)
        errno = EPIPE;
    return -1;
}

static size_t count_pending(void *context)
{
    const struct tls_connection *connection = context;

    return SSL_has_pending(connection->ssl) ? 1 : 0;
}

static void end(void *context)
{
    struct tls_connection *connection = context;

    tls_connection_destroy(&connection);
}

void tls_connection_attach(struct tls_connection **connection, struct stream *stream)
{
    static const struct stream_ops ops = { read_records, write_records, count_pending, end };

    stream_set_ops(stream, &ops, *connection);
    *connection = NULL;
}
