/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen-load - many clients at the door of a mail server, from one loop.
 *
 *   screen-load PORT COUNT AT_ONCE SOURCES MODE
 *     COUNT connections, AT_ONCE of them open at a time, from SOURCES addresses (127.1.0.1 and on) in turn. MODE:
 *     greeted   waits for the whole greeting, says QUIT, waits for its reply
 *     pregreet  speaks before the greeting, waits until it is sent away
 *     patient   waits until it is sent away or told to go on, and hangs up then
 *     idle      all connect and wait for the whole greeting; "ready" is written, and all stay until standard input ends
 *   At the end: how many of them came to their end, and the seconds it took; those of which nothing is heard for 20
 *   seconds do not. A connection that is refused or reset before its time is an error.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum mode { GREETED, PREGREET, PATIENT, IDLE, MODES };
enum { EVENTS = 512, BUFFER = 4096, SILENCE_MS = 20000 };

struct client {
    int fd;
    bool is_greeted;
};

static const char *const mode_names[MODES] = { "greeted", "pregreet", "patient", "idle" };
static struct client *clients;
static enum mode mode;
static in_port_t port;
static long wanted, at_once, sources, begun, done;
static int loop;

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double seconds_now(void)
{
    struct timespec now;

    (void) clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void say(const struct client *client, const char *line)
{
    if (send(client->fd, line, strlen(line), MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        fail("send");
}

/* Each source has its own ports: bound to the address alone, the kernel takes the port when it connects. */
static void begin(struct client *client)
{
    struct sockaddr_in from = { .sin_family = AF_INET };
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };
    const int yes = 1;

    from.sin_addr.s_addr = htonl(0x7f010001U + (uint32_t) (begun % sources));
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    client->is_greeted = false;
    if (client->fd < 0 || setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) < 0 ||
        bind(client->fd, (const struct sockaddr *) &from, sizeof from) < 0)
        fail("socket");
    if (connect(client->fd, (const struct sockaddr *) &to, sizeof to) < 0)
        fail("connect");
    if (epoll_ctl(loop, EPOLL_CTL_ADD, client->fd, &event) < 0)
        fail("epoll_ctl");
    begun++;
    if (mode == PREGREET)
        say(client, "EHLO client.example.com\r\n");
}

static void end(struct client *client)
{
    const struct linger at_once_gone = { .l_onoff = 1 };

    (void) setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once_gone, sizeof at_once_gone);
    (void) close(client->fd);
    client->fd = -1;
    done++;
    if (begun < wanted)
        begin(client);
}

/* "220 " at the beginning of a line: what comes before it may be a teaser. */
static bool has_greeting(const char *text)
{
    const char *at = strstr(text, "220 ");

    return at != NULL && (at == text || at[-1] == '\n');
}

static void hear(struct client *client)
{
    char text[BUFFER + 1];
    ssize_t len = recv(client->fd, text, BUFFER, 0);

    if (len < 0 && errno != ECONNRESET)
        fail("recv");
    text[len < 0 ? 0 : len] = '\0';
    if (len <= 0 && mode == GREETED && !client->is_greeted) {
        fprintf(stderr, "hung up before the greeting\n");
        exit(1);
    }
    if (len <= 0) {
        end(client);
    } else if (mode == GREETED && !client->is_greeted && has_greeting(text)) {
        client->is_greeted = true;
        say(client, "QUIT\r\n");
    } else if (mode == GREETED && strncmp(text, "421", 3) == 0) {
        fprintf(stderr, "sent away: %s", text);
        exit(1);
    } else if (mode == GREETED && client->is_greeted) {
        end(client);
    } else if (mode == PATIENT && has_greeting(text)) {
        end(client);
    } else if (mode == IDLE && has_greeting(text)) {
        struct epoll_event event = { .events = 0 };

        done++;
        (void) epoll_ctl(loop, EPOLL_CTL_DEL, client->fd, &event);
    }
}

static void run(void)
{
    struct epoll_event events[EVENTS];
    const double start = seconds_now();
    double last = start;

    for (long i = 0; i < at_once && i < wanted; i++)
        begin(&clients[i]);
    while (done < wanted) {
        int count = epoll_wait(loop, events, EVENTS, SILENCE_MS);

        if (count == 0)
            break;
        for (int i = 0; i < count; i++)
            hear(events[i].data.ptr);
        last = seconds_now();
    }
    printf("%ld %.3f\n", done, last - start);
}

static long number(const char *text)
{
    char *rest;
    long value = strtol(text, &rest, 10);

    if (value <= 0 || *rest != '\0') {
        fprintf(stderr, "%s: a number above 0 is wanted\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    struct rlimit limit;
    char byte;

    while (argc == 6 && mode < MODES && strcmp(argv[5], mode_names[mode]) != 0)
        mode++;
    if (argc != 6 || mode == MODES) {
        fprintf(stderr, "usage: screen-load PORT COUNT AT_ONCE SOURCES greeted|pregreet|patient|idle\n");
        return 2;
    }
    port = (in_port_t) number(argv[1]);
    wanted = number(argv[2]);
    at_once = mode == IDLE ? wanted : number(argv[3]);
    sources = number(argv[4]);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
    clients = calloc((size_t) at_once, sizeof *clients);
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (clients == NULL || loop < 0)
        fail("start");
    run();
    if (mode == IDLE) {
        printf("ready\n");
        (void) fflush(stdout);
        (void) !read(STDIN_FILENO, &byte, 1);
    }
    return 0;
}
