/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_SYSTEM_SOCKET_H
#define OS_SYSTEM_SOCKET_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"

#include <sys/socket.h>
#include <sys/types.h>

/*
 * system_socket - sockets for those that have no loop: listeners that master makes, datagrams to the log,
 * short calls of commands. Fibers use run/socket.h. All are close-on-exec.
 */

/* Non-blocking listener on an Internet address; IPv6 ones take IPv6 only. */
MUST_USE bool system_socket_listen_inet(const struct sockaddr *address, socklen_t size, int backlog, int *fd_out,
                                        struct failure *why);
/*
 * The same beside listeners of this user that stand in its way (0.0.0.0:25 when 127.0.0.1:25 is wanted), which are
 * about to be closed. Other programs can share the port as little as before, but for those of this user that set
 * SO_REUSEPORT.
 */
MUST_USE bool system_socket_listen_beside(const struct sockaddr *address, socklen_t size, int backlog,
                                          const int *others, size_t count, int *fd_out, struct failure *why);

struct system_socket_access {
    mode_t mode;
    uid_t uid; /* (uid_t) -1: as it comes */
    gid_t gid;
};

/*
 * Non-blocking stream listener at path; what stood there is replaced if it is a socket. Mode and owner
 * are right before anybody can connect.
 */
MUST_USE bool system_socket_listen_unix(const char *path, int backlog, const struct system_socket_access *access,
                                        int *fd_out, struct failure *why);
/* Non-blocking datagram socket bound to path, likewise. */
MUST_USE bool system_socket_bind_datagram(const char *path, const struct system_socket_access *access, int *fd_out,
                                          struct failure *why);
/* A fifo, made if it is missing, open for reading and writing, non-blocking. */
MUST_USE bool system_socket_open_fifo(const char *path, const struct system_socket_access *access, int *fd_out,
                                      struct failure *why);

/* The next connection of a non-blocking listener; false if there is none to be had now. */
MUST_USE bool system_socket_try_accept(int listener, int *fd_out);

/* Datagram socket connected to path, non-blocking. */
MUST_USE bool system_socket_connect_datagram(const char *path, int *fd_out, struct failure *why);
/* One datagram to an address of internet, which nobody need be listening to. */
void system_socket_send_datagram(const struct sockaddr *address, socklen_t size, struct str text);
/* Blocking stream socket connected to path. */
MUST_USE bool system_socket_connect_unix(const char *path, int *fd_out, struct failure *why);

/* Non-blocking stream socket; FAILURE_RETRY with EAGAIN when the backlog of path is full. */
MUST_USE bool system_socket_try_connect_unix(const char *path, int *fd_out, struct failure *why);

/* Whether nobody has that UDP port of this very host: what is sent there is refused at once. Sends an empty datagram.
 */
bool system_socket_is_refused(const struct sockaddr *address, socklen_t size);

/* Writes bytes to the socket or FIFO at path, without waiting: what wakes a service. */
MUST_USE bool system_socket_wake(const char *path, struct str bytes, struct failure *why);

/* Both ends close-on-exec; SOCK_SEQPACKET, records keep their bounds. */
MUST_USE bool system_socket_pair(int ends_out[2], struct failure *why);

/* "192.0.2.1", "2001:db8::1": parses without any lookup. */
MUST_USE bool system_socket_parse_address(struct str text, unsigned port, struct sockaddr_storage *address_out,
                                          socklen_t *size_out);
/* "smtp" or "25"; /etc/services for names. False if it is neither. */
MUST_USE bool system_socket_parse_port(struct str text, unsigned *port_out);
/* "127.0.0.1:25", "[::1]:25" or the path; in arena. */
struct str system_socket_address_text(struct arena *arena, const struct sockaddr *address, socklen_t size);

#endif
