/* SPDX-License-Identifier: Apache-2.0 */
#include "os/system_socket.h"

#include "os/fd.h"
#include "os/file.h"
#include "os/known_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { KIND_MASK = SOCK_CLOEXEC | SOCK_NONBLOCK };

static bool share_port(int fd, int is_shared)
{
    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_shared, sizeof is_shared) == 0;
}

static bool listen_inet(const struct sockaddr *address, socklen_t size, int backlog, bool shares_port, int *fd_out,
                        struct failure *why)
{
    CLEANUP(fd_close) int fd = socket(address->sa_family, SOCK_STREAM | KIND_MASK, 0);
    int on = 1;

    if (fd < 0)
        return failure_system(why, errno, "make a socket");
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return failure_system(why, errno, "set SO_REUSEADDR");
    if (address->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return failure_system(why, errno, "set IPV6_V6ONLY");
    if (shares_port && !share_port(fd, 1))
        return failure_system(why, errno, "set SO_REUSEPORT");
    if (bind(fd, address, size) < 0)
        return failure_system(why, errno, "bind");
    if (listen(fd, backlog) < 0)
        return failure_system(why, errno, "listen");
    if (shares_port && !share_port(fd, 0))
        return failure_system(why, errno, "unset SO_REUSEPORT");
    *fd_out = fd_take(&fd);
    return true;
}

bool system_socket_listen_inet(const struct sockaddr *address, socklen_t size, int backlog, int *fd_out,
                               struct failure *why)
{
    return listen_inet(address, size, backlog, false, fd_out, why);
}

bool system_socket_listen_beside(const struct sockaddr *address, socklen_t size, int backlog, const int *others,
                                 size_t count, int *fd_out, struct failure *why)
{
    bool is_open;

    for (size_t i = 0; i < count; i++)
        (void) share_port(others[i], 1);
    is_open = listen_inet(address, size, backlog, true, fd_out, why);
    for (size_t i = 0; i < count; i++)
        (void) share_port(others[i], 0);
    return is_open;
}

static bool fill_address(const char *path, struct sockaddr_un *address, struct failure *why)
{
    size_t len = strlen(path);

    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len >= sizeof address->sun_path)
        return failure_set(why, FAILURE_CONFIGURATION, ENAMETOOLONG, "the name of socket %s has more than %zu bytes",
                           path, sizeof address->sun_path - 1);
    memcpy(address->sun_path, path, len);
    return true;
}

/* Removes a socket or fifo; anything else stays and makes the bind fail. */
static bool clear_place(const char *path, mode_t kind, struct failure *why)
{
    struct stat status;

    if (lstat(path, &status) < 0)
        return errno == ENOENT || failure_system(why, errno, "look at %s", path);
    if ((status.st_mode & S_IFMT) != kind)
        return failure_set(why, FAILURE_CONFIGURATION, EEXIST, "%s is in the way", path);
    return file_unlink(path, why);
}

static bool set_access(const char *path, const struct system_socket_access *access, struct failure *why)
{
    if ((access->uid != (uid_t) -1 || access->gid != (gid_t) -1) && lchown(path, access->uid, access->gid) < 0)
        return failure_system(why, errno, "change the owner of %s", path);
    if (chmod(path, access->mode) < 0)
        return failure_system(why, errno, "change the mode of %s", path);
    return true;
}

/* Bound under umask 0777, so that nobody connects before the mode is right. */
static bool bind_unix(int kind, const char *path, const struct system_socket_access *access, int *fd_out,
                      struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct sockaddr_un address;
    mode_t old_mask;
    int result;

    if (!fill_address(path, &address, why) || !clear_place(path, S_IFSOCK, why))
        return false;
    fd = socket(AF_UNIX, kind | KIND_MASK, 0);
    if (fd < 0)
        return failure_system(why, errno, "make a socket");
    old_mask = umask(0777);
    result = bind(fd, (const struct sockaddr *) &address, sizeof address);
    (void) umask(old_mask);
    if (result < 0)
        return failure_system(why, errno, "bind %s", path);
    *fd_out = fd_take(&fd);
    return set_access(path, access, why) || (fd_close(fd_out), false);
}

bool system_socket_listen_unix(const char *path, int backlog, const struct system_socket_access *access, int *fd_out,
                               struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    if (!bind_unix(SOCK_STREAM, path, access, &fd, why))
        return false;
    if (listen(fd, backlog) < 0)
        return failure_system(why, errno, "listen on %s", path);
    *fd_out = fd_take(&fd);
    return true;
}

bool system_socket_bind_datagram(const char *path, const struct system_socket_access *access, int *fd_out,
                                 struct failure *why)
{
    return bind_unix(SOCK_DGRAM, path, access, fd_out, why);
}

bool system_socket_open_fifo(const char *path, const struct system_socket_access *access, int *fd_out,
                             struct failure *why)
{
    if (!clear_place(path, S_IFIFO, why))
        return false;
    if (mkfifo(path, 0) < 0)
        return failure_system(why, errno, "make fifo %s", path);
    /* Open for writing too: a reader alone would see an end whenever the last writer closes. */
    return set_access(path, access, why) && file_open(path, O_RDWR | O_NONBLOCK, 0, fd_out, why);
}

static bool connect_unix(int kind, const char *path, int *fd_out, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct sockaddr_un address;

    if (!fill_address(path, &address, why))
        return false;
    fd = socket(AF_UNIX, kind | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return failure_system(why, errno, "make a socket");
    if (connect(fd, (const struct sockaddr *) &address, sizeof address) < 0)
        return failure_system(why, errno, "connect to %s", path);
    *fd_out = fd_take(&fd);
    return true;
}

bool system_socket_try_accept(int listener, int *fd_out)
{
    *fd_out = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    return *fd_out >= 0;
}

bool system_socket_connect_datagram(const char *path, int *fd_out, struct failure *why)
{
    return connect_unix(SOCK_DGRAM | SOCK_NONBLOCK, path, fd_out, why);
}

void system_socket_send_datagram(const struct sockaddr *address, socklen_t size, struct str text)
{
    CLEANUP(fd_close) int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0)
        (void) sendto(fd, text.data, text.len, 0, address, size);
}

bool system_socket_connect_unix(const char *path, int *fd_out, struct failure *why)
{
    return connect_unix(SOCK_STREAM, path, fd_out, why);
}

bool system_socket_try_connect_unix(const char *path, int *fd_out, struct failure *why)
{
    return connect_unix(SOCK_STREAM | SOCK_NONBLOCK, path, fd_out, why);
}

bool system_socket_is_refused(const struct sockaddr *address, socklen_t size)
{
    CLEANUP(fd_close) int fd = socket(address->sa_family, SOCK_DGRAM | KIND_MASK, 0);
    char byte;

    return fd >= 0 && connect(fd, address, size) == 0 && send(fd, "", 0, 0) == 0 && recv(fd, &byte, 1, 0) < 0 &&
           errno == ECONNREFUSED;
}

bool system_socket_wake(const char *path, struct str bytes, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct stat status;
    bool is_open;

    if (!file_stat(path, &status, why))
        return false;
    is_open = S_ISFIFO(status.st_mode) ? file_open(path, O_WRONLY | O_NONBLOCK, 0, &fd, why)
                                       : system_socket_try_connect_unix(path, &fd, why);
    return is_open && file_write(fd, path, bytes, why);
}

bool system_socket_pair(int ends_out[2], struct failure *why)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_out) < 0)
        return failure_system(why, errno, "make a pair of sockets");
    return true;
}

bool system_socket_parse_address(struct str text, unsigned port, struct sockaddr_storage *address_out,
                                 socklen_t *size_out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *) address_out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) address_out;
    char copy[INET6_ADDRSTRLEN + 1];

    if (text.len == 0 || text.len >= sizeof copy || port > UINT16_MAX)
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *address_out = (struct sockaddr_storage){ 0 };
    if (inet_pton(AF_INET, copy, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t) port);
        *size_out = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, copy, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t) port);
        *size_out = sizeof *v6;
        return true;
    }
    return false;
}

bool system_socket_parse_port(struct str text, unsigned *port_out)
{
    struct servent entry, *found = NULL;
    char name[64], buffer[1024];
    uint64_t number;

    if (str_to_uint64(text, &number)) {
        if (number == 0 || number > UINT16_MAX)
            return false;
        *port_out = (unsigned) number;
        return true;
    }
    if (known_ports_find(text, port_out))
        return true;
    if (text.len == 0 || text.len >= sizeof name)
        return false;
    memcpy(name, text.data, text.len);
    name[text.len] = '\0';
    if (getservbyname_r(name, "tcp", &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return false;
    *port_out = ntohs((uint16_t) found->s_port);
    return true;
}

struct str system_socket_address_text(struct arena *arena, const struct sockaddr *address, socklen_t size)
{
    char host[INET6_ADDRSTRLEN + 20], port[8];

    if (address->sa_family == AF_UNIX) {
        const struct sockaddr_un *local = (const struct sockaddr_un *) (const void *) address;

        return arena_str(arena, str_from_c(local->sun_path));
    }
    if (getnameinfo(address, size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return STR("unknown");
    return arena_printf(arena, address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
