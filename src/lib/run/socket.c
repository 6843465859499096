/* SPDX-License-Identifier: Apache-2.0 */
#include "run/socket.h"

#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/poller.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

void socket_address_from_ip(const struct ip_address *ip, uint16_t port, struct socket_address *address_out)
{
    *address_out = (struct socket_address){ 0 };
    address_out->len = ip_address_to_sockaddr(ip, port, &address_out->storage);
}

bool socket_address_ip(const struct socket_address *address, struct ip_address *ip_out)
{
    return ip_address_from_sockaddr((const struct sockaddr *) &address->storage, ip_out, NULL);
}

bool socket_address_parse(struct str text, uint16_t port, struct socket_address *address_out)
{
    struct ip_address ip;

    if (!ip_address_parse(text, &ip))
        return false;
    socket_address_from_ip(&ip, port, address_out);
    return true;
}

struct str socket_address_text(const struct socket_address *address, char buffer[SOCKET_TEXT_SIZE])
{
    struct ip_address ip;

    _Static_assert((int) SOCKET_TEXT_SIZE >= (int) IP_ADDRESS_TEXT_MAX, "an address fits");
    if (!socket_address_ip(address, &ip))
        return STR("unix");
    return str_from_c(ip_address_format(&ip, buffer));
}

uint16_t socket_address_port(const struct socket_address *address)
{
    struct ip_address ip;
    uint16_t port = 0;

    if (!ip_address_from_sockaddr((const struct sockaddr *) &address->storage, &ip, &port))
        return 0;
    return port;
}

int socket_address_family(const struct socket_address *address)
{
    struct ip_address ip;

    if (!socket_address_ip(address, &ip))
        return AF_UNIX;
    return ip.family == IP_V4 ? AF_INET : AF_INET6;
}

bool socket_address_equal(const struct socket_address *a, const struct socket_address *b)
{
    struct ip_address ip_a;
    struct ip_address ip_b;

    return socket_address_ip(a, &ip_a) && socket_address_ip(b, &ip_b) && ip_address_equal(&ip_a, &ip_b);
}

static const struct sockaddr *as_sockaddr(const struct socket_address *address)
{
    return (const struct sockaddr *) &address->storage;
}

static int open_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool wait_connected(struct loop *loop, int fd, struct duration timeout, struct failure *why)
{
    struct poller *poller;
    int error = 0;
    socklen_t len = sizeof error;
    bool is_ready;

    if (!poller_create(loop, fd, &poller, why))
        return false;
    is_ready = poller_wait(poller, POLLER_WRITE, timeout, why);
    poller_destroy(&poller);
    if (!is_ready)
        return false;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        error = errno;
    return error == 0 || failure_system(why, error, "connect");
}

static bool connect_fd(struct loop *loop, int fd, const struct socket_address *address,
                       const struct socket_address *local, struct duration timeout, struct failure *why)
{
    int on = 1;

    if (local != NULL) {
        /* The port is chosen at connect, so that many connections may share the local address. */
        (void) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(fd, as_sockaddr(local), local->len) < 0)
            return failure_system(why, errno, "bind");
    }
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, as_sockaddr(address), address->len) == 0)
        return true;
    if (errno != EINPROGRESS && errno != EINTR)
        return failure_system(why, errno, "connect");
    return wait_connected(loop, fd, timeout, why);
}

bool socket_can_bind(const struct socket_address *local, struct failure *why)
{
    int fd = open_socket(local->storage.ss_family);
    bool is_bound;

    if (fd < 0)
        return failure_system(why, errno, "socket");
    is_bound = bind(fd, as_sockaddr(local), local->len) == 0 || failure_system(why, errno, "bind");
    close(fd);
    return is_bound;
}

bool socket_connect(struct loop *loop, const struct socket_address *address, const struct socket_address *local,
                    struct duration timeout, int *fd_out, struct failure *why)
{
    int fd = open_socket(address->storage.ss_family);

    if (fd < 0)
        return failure_system(why, errno, "socket");
    if (!connect_fd(loop, fd, address, local, timeout, why)) {
        close(fd);
        return false;
    }
    *fd_out = fd;
    return true;
}

/* A path too long for sun_path is reached through the descriptor of its directory. */
static bool unix_address(const char *path, struct sockaddr_un *address, int *directory_out, struct failure *why)
{
    const char *slash = strrchr(path, '/');
    char directory[4096];
    int length;

    *directory_out = -1;
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) < sizeof address->sun_path) {
        memcpy(address->sun_path, path, strlen(path));
        return true;
    }
    if (slash == NULL || (size_t) (slash - path) >= sizeof directory)
        return failure_system(why, ENAMETOOLONG, "%s", path);
    memcpy(directory, path, (size_t) (slash - path));
    directory[slash - path] = '\0';
    if (!directory_open_fd(AT_FDCWD, directory, directory_out, why))
        return false;
    length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d%s", *directory_out, slash);
    if (length >= 0 && (size_t) length < sizeof address->sun_path)
        return true;
    fd_close(directory_out);
    return failure_system(why, ENAMETOOLONG, "%s", path);
}

/* Nothing can be polled for while a Unix socket's backlog is full (EAGAIN). */
static bool connect_unix_fd(struct loop *loop, int fd, const struct sockaddr_un *address, struct duration timeout,
                            struct failure *why)
{
    struct instant end = instant_add(loop_now(loop), timeout);
    struct duration pause = milliseconds(1);

    while (connect(fd, (const struct sockaddr *) address, sizeof *address) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return failure_system(why, errno, "connect");
        if (!instant_is_before(loop_now(loop), end))
            return failure_set(why, FAILURE_TIMEOUT, 0, "connect: timed out");
        fiber_sleep(loop, pause);
        if (pause.us < 100000)
            pause.us *= 2;
    }
    return true;
}

bool socket_connect_unix(struct loop *loop, const char *path, struct duration timeout, int *fd_out, struct failure *why)
{
    struct sockaddr_un address;
    int directory;
    int fd;
    bool is_connected;

    if (!unix_address(path, &address, &directory, why))
        return false;
    fd = open_socket(AF_UNIX);
    if (fd < 0)
        failure_system(why, errno, "socket");
    is_connected = fd >= 0 && connect_unix_fd(loop, fd, &address, timeout, why);
    fd_close(&directory);
    if (is_connected) {
        *fd_out = fd;
        return true;
    }
    if (fd >= 0)
        close(fd);
    return failure_prefix(why, "%s", path);
}

bool socket_pair(int fds_out[2], struct failure *why)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_out) < 0)
        return failure_system(why, errno, "socketpair");
    return true;
}

static bool listen_fd(int fd, const struct socket_address *address, int backlog, struct failure *why)
{
    int on = 1;

    (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->storage.ss_family == AF_INET6)
        (void) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, as_sockaddr(address), address->len) < 0)
        return failure_system(why, errno, "bind");
    if (listen(fd, backlog) < 0)
        return failure_system(why, errno, "listen");
    return true;
}

bool socket_listen(const struct socket_address *address, int backlog, int *fd_out, struct failure *why)
{
    int fd = open_socket(address->storage.ss_family);
    char text[SOCKET_TEXT_SIZE];

    if (fd < 0)
        return failure_system(why, errno, "socket");
    if (!listen_fd(fd, address, backlog, why)) {
        struct str name = socket_address_text(address, text);

        close(fd);
        return failure_prefix(why, "%.*s port %u", STR_ARG(name), socket_address_port(address));
    }
    *fd_out = fd;
    return true;
}

bool socket_listen_unix(const char *path, int backlog, int *fd_out, struct failure *why)
{
    struct sockaddr_un address;
    int directory;
    int fd;
    bool is_listening;

    if (!unix_address(path, &address, &directory, why))
        return false;
    fd = open_socket(AF_UNIX);
    if (fd < 0) {
        fd_close(&directory);
        return failure_system(why, errno, "socket");
    }
    is_listening = (!file_exists(path) || file_unlink(path, why)) &&
                   bind(fd, (const struct sockaddr *) &address, sizeof address) == 0 && listen(fd, backlog) == 0;
    if (!is_listening)
        failure_system(why, errno, "%s", path);
    fd_close(&directory);
    if (!is_listening) {
        close(fd);
        return false;
    }
    *fd_out = fd;
    return true;
}

bool socket_peer_address(int fd, struct socket_address *address_out, struct failure *why)
{
    struct socket_address address = { .len = sizeof address.storage };

    if (getpeername(fd, (struct sockaddr *) &address.storage, &address.len) < 0)
        return failure_system(why, errno, "getpeername");
    *address_out = address;
    return true;
}

bool socket_local_address(int fd, struct socket_address *address_out, struct failure *why)
{
    struct socket_address address = { .len = sizeof address.storage };

    if (getsockname(fd, (struct sockaddr *) &address.storage, &address.len) < 0)
        return failure_system(why, errno, "getsockname");
    *address_out = address;
    return true;
}
