/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noop-milter PORT - a milter (127.0.0.1) that wants to hear everything and is for all of it, as fast as can be: each
 * event is answered with "continue". A thread a connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PACKET_MAX = 2 * 1024 * 1024, PIECE = 128 * 1024, VERSION_MAX = 6 };

static const char answered[] = "CHMRTLNBEU"; /* the others ask for nothing */

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

struct connection {
    int fd;
    size_t len, done;
    uint8_t bytes[PIECE];
};

static bool get(struct connection *connection, uint8_t *out, size_t count)
{
    while (count > 0) {
        size_t have = connection->len - connection->done;

        if (have == 0) {
            ssize_t got = read(connection->fd, connection->bytes, sizeof connection->bytes);

            if (got <= 0)
                return false;
            connection->len = (size_t) got;
            connection->done = 0;
            continue;
        }
        have = have < count ? have : count;
        if (out != NULL) {
            memcpy(out, connection->bytes + connection->done, have);
            out += have;
        }
        connection->done += have;
        count -= have;
    }
    return true;
}

static bool put(int fd, const uint8_t *bytes, size_t count)
{
    return write(fd, bytes, count) == (ssize_t) count;
}

/* The version that both know; no change is asked for, no event left out. */
static bool negotiate(struct connection *connection, size_t len)
{
    uint8_t offer[4] = { 0 }, answer[17] = { 0, 0, 0, 13, 'O' };

    if (len < sizeof offer || !get(connection, offer, sizeof offer) || !get(connection, NULL, len - sizeof offer))
        return false;
    answer[8] = offer[3] < VERSION_MAX ? offer[3] : VERSION_MAX;
    return put(connection->fd, answer, sizeof answer);
}

static bool serve_one(struct connection *connection)
{
    static const uint8_t go_on[] = { 0, 0, 0, 1, 'c' };
    uint8_t head[5];
    uint32_t len;

    if (!get(connection, head, sizeof head))
        return false;
    memcpy(&len, head, sizeof len);
    len = ntohl(len);
    if (len < 1 || len > PACKET_MAX || head[4] == 'Q')
        return false;
    if (head[4] == 'O')
        return negotiate(connection, len - 1);
    if (!get(connection, NULL, len - 1))
        return false;
    return strchr(answered, head[4]) == NULL || put(connection->fd, go_on, sizeof go_on);
}

static void *serve(void *context)
{
    struct connection *connection = context;
    int on = 1;

    (void) setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    while (serve_one(connection))
        ;
    close(connection->fd);
    free(connection);
    return NULL;
}

static int listen_at(const char *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t) atoi(port)) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *) &address, sizeof address) < 0 || listen(fd, 512) < 0)
        fail("listen");
    return fd;
}

int main(int argc, char **argv)
{
    int listener;

    if (argc != 2) {
        fprintf(stderr, "usage: noop-milter PORT\n");
        return 1;
    }
    listener = listen_at(argv[1]);
    for (;;) {
        struct connection *connection = calloc(1, sizeof *connection);
        pthread_t thread;

        if (connection == NULL)
            fail("memory");
        connection->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection->fd < 0 && errno != EINTR && errno != ECONNABORTED)
            fail("accept");
        if (connection->fd < 0 || pthread_create(&thread, NULL, serve, connection) != 0) {
            free(connection);
            continue;
        }
        pthread_detach(thread);
    }
}
