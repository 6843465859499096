/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neighbours ADDRESS NAME-PORT POLICY-PORT TTL - what an SMTP server asks, both as fast as they can be: a name server
 * (UDP) and a policy server (TCP). Names with a label "zen" are not there; any other has one address and one mail
 * exchanger; of other types it has nothing. All is good for TTL seconds. Each question of policy is answered DUNNO.
 * "questions N N\n" (names, policy) is written at SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PACKET_MAX = 1232,
    HEADER = 12,
    TYPE_A = 1,
    TYPE_SOA = 6,
    TYPE_MX = 15,
    NAME_ERROR = 3,
    EVENTS_MAX = 64,
    QUESTION_MAX = 8192,
    DESCRIPTORS_MAX = 4096,
};

static volatile sig_atomic_t must_end;
static unsigned long names_asked, policy_asked;
static uint32_t ttl;
/* Of each connection, the two bytes that came last: "\n\n" ends a question. */
static char last_byte[DESCRIPTORS_MAX];

static void end(int number)
{
    (void) number;
    must_end = 1;
}

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- names ---- */

static size_t put_number(uint8_t *packet, size_t len, uint32_t value, unsigned bytes)
{
    while (bytes-- > 0)
        packet[len++] = (uint8_t) (value >> 8 * bytes);
    return len;
}

/* The record's head, with the data's length to be said; the owner is the question's name, or the root. */
static size_t put_head(uint8_t *packet, size_t len, unsigned type, size_t data_size)
{
    len = type == TYPE_SOA ? put_number(packet, len, 0, 1) : put_number(packet, len, 0xc000U | HEADER, 2);
    len = put_number(packet, len, type, 2);
    len = put_number(packet, len, 1, 2);
    len = put_number(packet, len, ttl, 4);
    return put_number(packet, len, (uint32_t) data_size, 2);
}

/* The root's, whose last number is how long it is good that there is nothing. */
static size_t put_nothing(uint8_t *packet, size_t len)
{
    len = put_head(packet, len, TYPE_SOA, 22);
    len = put_number(packet, len, 0, 2);
    for (unsigned i = 0; i < 4; i++)
        len = put_number(packet, len, 3600, 4);
    return put_number(packet, len, ttl, 4);
}

/* Where the question's name ends; 0: it has no end. */
static size_t skip_name(const uint8_t *packet, size_t len, int *is_zen_out)
{
    size_t place = HEADER;

    *is_zen_out = 0;
    while (place < len && packet[place] != 0 && packet[place] < 64) {
        if (packet[place] == 3 && place + 4 < len && memcmp(packet + place + 1, "zen", 3) == 0)
            *is_zen_out = 1;
        place += 1U + packet[place];
    }
    return place + 5 <= len && packet[place] == 0 ? place + 1 : 0;
}

/* Makes the question an answer. */
static size_t answer(uint8_t *packet, size_t len)
{
    int is_zen;
    size_t place = len < HEADER ? 0 : skip_name(packet, len, &is_zen);
    unsigned type;

    if (place == 0)
        return 0;
    type = (unsigned) packet[place] << 8 | packet[place + 1];
    len = place + 4;
    packet[2] = (uint8_t) (0x84U | (packet[2] & 1U));
    packet[3] = (uint8_t) (0x80U | (is_zen ? NAME_ERROR : 0));
    memset(packet + 6, 0, 6);
    if (is_zen || (type != TYPE_A && type != TYPE_MX)) {
        packet[9] = 1;
        return put_nothing(packet, len);
    }
    packet[7] = 1;
    if (type == TYPE_A) {
        len = put_head(packet, len, type, 4);
        return put_number(packet, len, 0xc0000201U, 4);
    }
    len = put_head(packet, len, type, 7);
    len = put_number(packet, len, 10, 2);
    len = put_number(packet, len, 0x026d78, 3);
    return put_number(packet, len, 0xc000U | HEADER, 2);
}

static void serve_names(int fd)
{
    uint8_t packet[PACKET_MAX];
    struct sockaddr_storage from;
    socklen_t from_size = sizeof from;
    ssize_t len;

    while ((len = recvfrom(fd, packet, PACKET_MAX - 64, MSG_DONTWAIT, (struct sockaddr *) &from, &from_size)) > 0) {
        size_t size = answer(packet, (size_t) len);

        names_asked++;
        if (size > 0 && sendto(fd, packet, size, 0, (struct sockaddr *) &from, from_size) < 0)
            perror("sendto");
        from_size = sizeof from;
    }
}

/* ---- policy ---- */

/* A client asks again when it has its answer, so what is read has at most one end of a question. */
static void serve_policy(int fd)
{
    static const char reply[] = "action=DUNNO\n\n";
    char text[QUESTION_MAX];
    ssize_t len = read(fd, text, sizeof text);
    char before;

    if (len <= 0) {
        close(fd);
        return;
    }
    before = len > 1 ? text[len - 2] : last_byte[fd];
    last_byte[fd] = text[len - 1];
    if (before != '\n' || text[len - 1] != '\n')
        return;
    policy_asked++;
    last_byte[fd] = 0;
    if (write(fd, reply, sizeof reply - 1) < 0)
        perror("write");
}

static void watch(int poll, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };

    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
}

static void take_client(int poll, int listener)
{
    int fd = accept(listener, NULL, NULL);
    int on = 1;

    if (fd < 0)
        return;
    if (fd >= DESCRIPTORS_MAX || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        close(fd);
        return;
    }
    last_byte[fd] = 0;
    watch(poll, fd);
}

static int listen_at(const char *address, const char *port, int type)
{
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons((uint16_t) strtoul(port, NULL, 10)) };
    int fd = socket(AF_INET, type, 0);
    int on = 1;

    if (fd < 0 || inet_pton(AF_INET, address, &place.sin_addr) != 1 ||
        (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) ||
        bind(fd, (struct sockaddr *) &place, sizeof place) != 0 || (type == SOCK_STREAM && listen(fd, 1024) != 0))
        fail(address);
    return fd;
}

static void serve(int names, int policy)
{
    struct epoll_event events[EVENTS_MAX];
    int poll = epoll_create1(0);

    if (poll < 0)
        fail("epoll_create1");
    watch(poll, names);
    watch(poll, policy);
    while (!must_end) {
        int count = epoll_wait(poll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == names)
                serve_names(names);
            else if (events[i].data.fd == policy)
                take_client(poll, policy);
            else
                serve_policy(events[i].data.fd);
        }
    }
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_handler = end };

    if (argc != 5) {
        fprintf(stderr, "usage: neighbours ADDRESS NAME-PORT POLICY-PORT TTL\n");
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    ttl = (uint32_t) strtoul(argv[4], NULL, 10);
    serve(listen_at(argv[1], argv[2], SOCK_DGRAM), listen_at(argv[1], argv[3], SOCK_STREAM));
    printf("questions %lu %lu\n", names_asked, policy_asked);
    return 0;
}
