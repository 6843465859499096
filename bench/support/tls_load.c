/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls-load - what a bench of TLS needs at both ends, a thread a session, with blocking calls.
 *
 *   tls-load handshakes PORT COUNT THREADS new|resumed|clear smtp|line
 *     Sessions of TLS from the first byte (clear: of none); "resumed N" is written at the end. smtp waits for a
 *     greeting and says QUIT; line says a line and waits for one. Servers are believed whatever they show.
 *   tls-load source PORT MESSAGES THREADS SIZE
 *     Messages over sessions that last, after STARTTLS.
 *   tls-load sink PORT CHAIN MESSAGES
 *     Takes them, with STARTTLS, and ends after so many (0: stays).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 65536, THREADS_MAX = 1000 };

struct session {
    int fd;
    SSL *ssl; /* NULL: in clear */
    size_t begin, end;
    char buffer[BUFFER];
};

static SSL_CTX *context;
static in_port_t port;
static atomic_long left, resumed, taken;
static long wanted;
static bool is_serving, is_resuming, is_clear, is_smtp;
static char *content;
static size_t content_bytes;
/* Where OpenSSL puts what a session can be resumed with: the thread's own. */
static _Thread_local SSL_SESSION *kept;

static _Noreturn void fail(const char *what)
{
    perror(what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

/* ---- a session ---- */

static void hang_up(struct session *session)
{
    if (session->ssl != NULL) {
        (void) SSL_shutdown(session->ssl);
        SSL_free(session->ssl);
    }
    close(session->fd);
    free(session);
}

static void say(struct session *session, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t count =
            session->ssl ? SSL_write(session->ssl, data, (int) len) : send(session->fd, data, len, MSG_NOSIGNAL);

        if (count <= 0 && is_serving) {
            /* Clients go when they like. */
            hang_up(session);
            pthread_exit(NULL);
        }
        if (count <= 0)
            fail("send");
        data += count;
        len -= (size_t) count;
    }
}

static bool fill(struct session *session)
{
    ssize_t count;

    if (session->begin > 0) {
        memmove(session->buffer, session->buffer + session->begin, session->end - session->begin);
        session->end -= session->begin;
        session->begin = 0;
    }
    if (session->end == BUFFER)
        fail("a line too long");
    if (session->ssl != NULL)
        count = SSL_read(session->ssl, session->buffer + session->end, (int) (BUFFER - session->end));
    else
        count = recv(session->fd, session->buffer + session->end, BUFFER - session->end, 0);
    if (count <= 0)
        return false;
    session->end += (size_t) count;
    return true;
}

/* The next line, in the buffer until the next call; NULL at the end. */
static char *hear(struct session *session)
{
    for (;;) {
        char *line = session->buffer + session->begin;
        char *end = memchr(line, '\n', session->end - session->begin);

        if (end != NULL) {
            session->begin += (size_t) (end - line) + 1;
            *end = '\0';
            return line;
        }
        if (!fill(session))
            return NULL;
    }
}

static void expect(struct session *session, char code)
{
    char *line;

    do {
        line = hear(session);
    } while (line != NULL && strlen(line) > 3 && line[3] == '-');
    if (line == NULL || line[0] != code)
        fail(line == NULL ? "the session ended" : line);
}

static void command(struct session *session, const char *text, char code)
{
    say(session, text, strlen(text));
    expect(session, code);
}

static struct sockaddr_in address(void)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static struct session *call(void)
{
    struct sockaddr_in to = address();
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL)
        fail("calloc");
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (session->fd < 0 || connect(session->fd, (struct sockaddr *) &to, sizeof to) < 0)
        fail("connect");
    setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    return session;
}

static void begin_tls(struct session *session, bool is_server)
{
    session->ssl = SSL_new(context);
    if (session->ssl == NULL || SSL_set_fd(session->ssl, session->fd) != 1)
        fail("SSL_new");
    if (is_resuming && kept != NULL) {
        /* OpenSSL takes each session of TLS 1.3 once, and not every server gives a new ticket for the next time. */
        SSL_SESSION *copy = SSL_SESSION_dup(kept);

        SSL_set_session(session->ssl, copy);
        SSL_SESSION_free(copy);
    }
    if ((is_server ? SSL_accept(session->ssl) : SSL_connect(session->ssl)) != 1)
        fail("handshake");
}

/* ---- handshakes ---- */

static int keep(SSL *ssl, SSL_SESSION *ticket)
{
    (void) ssl;
    SSL_SESSION_free(kept);
    kept = ticket;
    return 1;
}

static void *shake_hands(void *argument)
{
    (void) argument;
    while (atomic_fetch_sub(&left, 1) > 0) {
        struct session *session = call();

        if (!is_clear)
            begin_tls(session, false);
        if (is_smtp) {
            expect(session, '2');
            command(session, "QUIT\r\n", '2');
        } else {
            say(session, "line\n", 5);
            if (hear(session) == NULL)
                fail("no line");
        }
        if (!is_clear && SSL_session_reused(session->ssl))
            atomic_fetch_add(&resumed, 1);
        hang_up(session);
    }
    SSL_SESSION_free(kept);
    kept = NULL;
    return NULL;
}

/* ---- the source ---- */

static void *send_mail(void *argument)
{
    struct session *session = call();

    (void) argument;
    expect(session, '2');
    command(session, "EHLO client.example.com\r\n", '2');
    command(session, "STARTTLS\r\n", '2');
    begin_tls(session, false);
    command(session, "EHLO client.example.com\r\n", '2');
    while (atomic_fetch_sub(&left, 1) > 0) {
        command(session, "MAIL FROM:<sender@example.com>\r\n", '2');
        command(session, "RCPT TO:<recipient@example.org>\r\n", '2');
        command(session, "DATA\r\n", '3');
        say(session, content, content_bytes);
        expect(session, '2');
    }
    command(session, "QUIT\r\n", '2');
    hang_up(session);
    return NULL;
}

/* As smtp-source's: a few fields, then lines of 80 bytes. */
static void write_content(size_t bytes)
{
    static const char head[] =
        "From: <sender@example.com>\r\nTo: <recipient@example.org>\r\nSubject: of a bench\r\n\r\n";
    size_t at = sizeof head - 1;

    content = malloc(bytes + sizeof head + 3);
    if (content == NULL)
        fail("malloc");
    memcpy(content, head, at);
    while (at < bytes) {
        size_t line = bytes - at < 80 ? bytes - at : 80;

        memset(content + at, 'X', line);
        if (line >= 2)
            memcpy(content + at + line - 2, "\r\n", 2);
        at += line;
    }
    memcpy(content + at - 2, "\r\n.\r\n", 5);
    content_bytes = at + 3;
}

/* ---- the sink ---- */

static bool take_content(struct session *session)
{
    char *line;

    do {
        line = hear(session);
    } while (line != NULL && strcmp(line, ".\r") != 0);
    return line != NULL;
}

static void answer(struct session *session, const char *text)
{
    say(session, text, strlen(text));
}

static void *serve(void *argument)
{
    struct session *session = argument;
    char *line;

    answer(session, "220 sink.example.com ESMTP\r\n");
    while ((line = hear(session)) != NULL) {
        if (strncmp(line, "EHLO", 4) == 0) {
            answer(session, session->ssl
                                ? "250-sink.example.com\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
                                : "250-sink.example.com\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 8BITMIME\r\n");
        } else if (strncmp(line, "STARTTLS", 8) == 0) {
            answer(session, "220 go\r\n");
            begin_tls(session, true);
        } else if (strncmp(line, "DATA", 4) == 0) {
            answer(session, "354 go\r\n");
            if (!take_content(session))
                break;
            answer(session, "250 ok\r\n");
            if (atomic_fetch_add(&taken, 1) + 1 == wanted)
                exit(0);
        } else {
            answer(session, line[0] == 'Q' ? "221 bye\r\n" : "250 ok\r\n");
        }
    }
    hang_up(session);
    return NULL;
}

static void sink(const char *chain)
{
    struct sockaddr_in at = address();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (listener < 0 || bind(listener, (struct sockaddr *) &at, sizeof at) < 0 || listen(listener, 1000) < 0)
        fail("listen");
    if (SSL_CTX_use_certificate_chain_file(context, chain) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, chain, SSL_FILETYPE_PEM) != 1)
        fail(chain);
    for (;;) {
        struct session *session = calloc(1, sizeof *session);
        pthread_t thread;

        if (session == NULL || (session->fd = accept(listener, NULL, NULL)) < 0 ||
            pthread_create(&thread, NULL, serve, session) != 0)
            fail("accept");
        setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        pthread_detach(thread);
    }
}

/* ---- */

static void in_threads(long count, void *(*run)(void *) )
{
    pthread_t threads[THREADS_MAX];

    if (count > THREADS_MAX)
        fail("too many threads");
    for (long i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, run, NULL) != 0)
            fail("pthread_create");
    }
    for (long i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

static long number(const char *text)
{
    return strtol(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    bool is_sink = strcmp(verb, "sink") == 0;

    if (argc != (is_sink ? 5 : strcmp(verb, "source") == 0 ? 6 : 7)) {
        fputs("usage: see the top of tls_load.c\n", stderr);
        return 1;
    }
    port = (in_port_t) number(argv[2]);
    context = SSL_CTX_new(is_sink ? TLS_server_method() : TLS_client_method());
    if (context == NULL)
        fail("SSL_CTX_new");
    signal(SIGPIPE, SIG_IGN);
    if (is_sink) {
        is_serving = true;
        wanted = number(argv[4]);
        sink(argv[3]);
    }
    left = number(argv[3]);
    if (strcmp(verb, "source") == 0) {
        write_content((size_t) number(argv[5]));
        in_threads(number(argv[4]), send_mail);
        return 0;
    }
    is_resuming = strcmp(argv[5], "resumed") == 0;
    is_clear = strcmp(argv[5], "clear") == 0;
    is_smtp = strcmp(argv[6], "smtp") == 0;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    if (is_resuming)
        SSL_CTX_sess_set_new_cb(context, keep);
    in_threads(number(argv[4]), shake_hands);
    printf("resumed %ld\n", atomic_load(&resumed));
    return 0;
}
