/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/redis_link.h"

#include "base/memory.h"
#include "drivers/redis_reply.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 16384, REPLY_MAXIMUM = 16 << 20 };

struct redis_link {
    int fd;
    SSL_CTX *context;
    SSL *ssl; /* NULL: in clear */
    redisReader *reader;
    unsigned timeout_seconds;
    int64_t deadline_ms; /* of what is asked now */
};

static int64_t now_ms(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void begin(struct redis_link *link)
{
    link->deadline_ms = now_ms() + (int64_t) link->timeout_seconds * 1000;
}

static bool fail(struct merpati_table_text why, const char *what)
{
    snprintf(why.data, why.size, "%s", what);
    return false;
}

static bool wait_for(const struct redis_link *link, short events, struct merpati_table_text why)
{
    struct pollfd item = { .fd = link->fd, .events = events };
    int64_t left;
    int ready;

    do {
        left = link->deadline_ms - now_ms();
        ready = left <= 0 ? 0 : poll(&item, 1, (int) left);
    } while (ready < 0 && errno == EINTR);
    return ready > 0 || fail(why, ready == 0 ? "timed out" : strerror(errno));
}

/* ---- connecting ---- */

/* hiredis connects; the rest of its connection is not used. */
static bool connect_to(struct redis_link *link, const struct host_port *place, const struct redis_link_options *options,
                       struct merpati_table_text why)
{
    const struct timeval limit = { .tv_sec = (time_t) options->timeout_seconds };
    unsigned port = place->port != 0 ? place->port : options->port;
    redisContext *context = place->path != NULL ? redisConnectUnixWithTimeout(place->path, limit)
                                                : redisConnectWithTimeout(place->host, (int) port, limit);

    if (context == NULL)
        return fail(why, "no memory");
    if (context->err != 0) {
        (void) fail(why, context->errstr);
        redisFree(context);
        return false;
    }
    link->fd = redisFreeKeepFd(context);
    if (fcntl(link->fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(link->fd, F_SETFL, O_NONBLOCK) == 0)
        return true;
    return fail(why, strerror(errno));
}

/* ---- TLS ---- */

static bool fail_tls(struct merpati_table_text why, const char *what)
{
    unsigned long error = ERR_get_error();
    const char *reason = ERR_reason_error_string(error);

    ERR_clear_error();
    snprintf(why.data, why.size, "%s: %s", what, reason != NULL ? reason : "the connection was closed");
    return false;
}

static bool load_files(SSL_CTX *context, const struct redis_link_options *options, struct merpati_table_text why)
{
    const char *key_file = options->key_file != NULL ? options->key_file : options->cert_file;
    bool is_trusting = options->ca_file != NULL || options->ca_path != NULL
                           ? SSL_CTX_load_verify_locations(context, options->ca_file, options->ca_path) == 1
                           : SSL_CTX_set_default_verify_paths(context) == 1;

    if (!is_trusting)
        return fail_tls(why, options->ca_file != NULL ? options->ca_file : "trusted certificates");
    if (options->cert_file == NULL)
        return true;
    if (SSL_CTX_use_certificate_chain_file(context, options->cert_file) != 1)
        return fail_tls(why, options->cert_file);
    return SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1 || fail_tls(why, key_file);
}

/* The name is asked for (SNI) and, where certificates are verified, must be in the server's. */
static bool name_server(SSL *ssl, const char *host, bool is_verified)
{
    unsigned char address[sizeof(struct in6_addr)];
    bool is_address = inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;

    if (!is_address && SSL_set_tlsext_host_name(ssl, host) != 1)
        return false;
    if (!is_verified)
        return true;
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return is_address ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1 : SSL_set1_host(ssl, host) == 1;
}

/* True: what OpenSSL waits for is there now. */
static bool wait_for_tls(struct redis_link *link, int result, const char *what, struct merpati_table_text why)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(link, POLLIN, why);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(link, POLLOUT, why);
    default:
        return fail_tls(why, what);
    }
}

static bool shake_hands(struct redis_link *link, const char *host, const struct redis_link_options *options,
                        struct merpati_table_text why)
{
    int result;

    ERR_clear_error();
    link->context = SSL_CTX_new(TLS_client_method());
    if (link->context == NULL)
        return fail_tls(why, "TLS");
    if (!load_files(link->context, options, why))
        return false;
    link->ssl = SSL_new(link->context);
    if (link->ssl == NULL || SSL_set_fd(link->ssl, link->fd) != 1 ||
        !name_server(link->ssl, host, options->is_verified))
        return fail_tls(why, "TLS");
    while ((result = SSL_connect(link->ssl)) != 1) {
        if (!wait_for_tls(link, result, "TLS handshake", why))
            return false;
    }
    return true;
}

/* ---- the connection ---- */

struct redis_link *redis_link_open(const struct host_port *place, const struct redis_link_options *options,
                                   struct merpati_table_text why)
{
    struct redis_link *link = memory_alloc(sizeof(*link));
    bool is_open;

    link->fd = -1;
    link->timeout_seconds = options->timeout_seconds;
    link->reader = redis_reply_reader_create();
    begin(link);
    is_open = connect_to(link, place, options, why);
    if (is_open && options->is_secure)
        is_open = shake_hands(link, place->path != NULL ? "localhost" : place->host, options, why);
    if (is_open && link->reader != NULL)
        return link;
    if (is_open)
        (void) fail(why, "no memory");
    redis_link_close(link);
    return NULL;
}

void redis_link_close(struct redis_link *link)
{
    SSL_free(link->ssl);
    SSL_CTX_free(link->context);
    if (link->fd >= 0)
        close(link->fd);
    redis_reply_reader_destroy(link->reader);
    memory_free(link);
}

static bool send_all(struct redis_link *link, const char *bytes, size_t len, struct merpati_table_text why)
{
    while (len > 0) {
        ssize_t sent;

        if (link->ssl != NULL) {
            ERR_clear_error();
            sent = SSL_write(link->ssl, bytes, len > PIECE ? PIECE : (int) len);
            if (sent <= 0 && !wait_for_tls(link, (int) sent, "send", why))
                return false;
        } else {
            sent = send(link->fd, bytes, len, MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN && errno != EINTR)
                return fail(why, strerror(errno));
            if (sent < 0 && !wait_for(link, POLLOUT, why))
                return false;
        }
        if (sent > 0) {
            bytes += sent;
            len -= (size_t) sent;
        }
    }
    return true;
}

/* Some bytes, one at least. */
static bool receive(struct redis_link *link, char *bytes, size_t *count_out, struct merpati_table_text why)
{
    while (true) {
        ssize_t count;

        if (link->ssl != NULL) {
            ERR_clear_error();
            count = SSL_read(link->ssl, bytes, PIECE);
            if (count <= 0 && !wait_for_tls(link, (int) count, "receive", why))
                return false;
        } else {
            count = recv(link->fd, bytes, PIECE, 0);
            if (count == 0)
                return fail(why, "Server closed the connection");
            if (count < 0 && errno != EAGAIN && errno != EINTR)
                return fail(why, strerror(errno));
            if (count < 0 && !wait_for(link, POLLIN, why))
                return false;
        }
        if (count > 0) {
            *count_out = (size_t) count;
            return true;
        }
    }
}

static redisReply *read_reply(struct redis_link *link, struct merpati_table_text why)
{
    char bytes[PIECE];
    void *reply = NULL;
    size_t count, total = 0;

    while (true) {
        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
            (void) fail(why, link->reader->errstr);
            return NULL;
        }
        if (reply != NULL)
            return reply;
        if (total > REPLY_MAXIMUM) {
            (void) fail(why, "the answer is too long");
            return NULL;
        }
        if (!receive(link, bytes, &count, why))
            return NULL;
        total += count;
        if (redisReaderFeed(link->reader, bytes, count) != REDIS_OK) {
            (void) fail(why, link->reader->errstr);
            return NULL;
        }
    }
}

redisReply *redis_link_ask(struct redis_link *link, int count, const char **words, const size_t *lengths,
                           struct merpati_table_text why)
{
    redisReply *reply = NULL;
    char *command;
    int len = (int) redisFormatCommandArgv(&command, count, words, lengths);

    if (len < 0) {
        (void) fail(why, "no memory");
        return NULL;
    }
    begin(link);
    if (redis_reply_is_out_of_step(link->reader))
        (void) fail(why, "the server said more than it was asked for");
    else if (send_all(link, command, (size_t) len, why))
        reply = read_reply(link, why);
    redisFreeCommand(command);
    return reply;
}
