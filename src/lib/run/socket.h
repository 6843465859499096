/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUN_SOCKET_H
#define RUN_SOCKET_H

#include "base/failure.h"
#include "base/ip_address.h"
#include "base/str.h"
#include "base/time.h"

#include <stdint.h>
#include <sys/socket.h>

/*
 * socket - connections out and in. All descriptors are close-on-exec and non-blocking; the caller owns
 * those that it gets. Calls that take a loop wait in a fiber.
 */
struct loop;

struct socket_address {
    socklen_t len;
    struct sockaddr_storage storage;
};

enum { SOCKET_TEXT_SIZE = 64 };

void socket_address_from_ip(const struct ip_address *ip, uint16_t port, struct socket_address *address_out);
/* False for a Unix address. An IPv4-mapped one is given as IPv4. */
MUST_USE bool socket_address_ip(const struct socket_address *address, struct ip_address *ip_out);
/* Numeric only: "192.0.2.1", "2001:db8::1", also "fe80::1%eth0". No brackets. */
MUST_USE bool socket_address_parse(struct str text, uint16_t port, struct socket_address *address_out);
/* The numeric address without port; an IPv4-mapped one as IPv4; a Unix one as "unix". View of buffer. */
struct str socket_address_text(const struct socket_address *address, char buffer[SOCKET_TEXT_SIZE]);
/* 0 if it has none. */
uint16_t socket_address_port(const struct socket_address *address);
/* AF_INET (also for IPv4-mapped), AF_INET6 or AF_UNIX. */
int socket_address_family(const struct socket_address *address);
/* Same address; ports are not looked at. */
bool socket_address_equal(const struct socket_address *a, const struct socket_address *b);

/* local: address to bind to before (port 0: any), or NULL. FAILURE_TIMEOUT, else the errno of connect. */
MUST_USE bool socket_connect(struct loop *loop, const struct socket_address *address,
                             const struct socket_address *local, struct duration timeout, int *fd_out,
                             struct failure *why);
/* Whether a socket can be bound to the address: it is one of this host's. */
MUST_USE bool socket_can_bind(const struct socket_address *local, struct failure *why);
/* path may be longer than sun_path. A full backlog is waited for. */
MUST_USE bool socket_connect_unix(struct loop *loop, const char *path, struct duration timeout, int *fd_out,
                                  struct failure *why);
/* A connected pair of Unix stream sockets. */
MUST_USE bool socket_pair(int fds_out[2], struct failure *why);

/* With SO_REUSEADDR, IPv6 for IPv6 only. */
MUST_USE bool socket_listen(const struct socket_address *address, int backlog, int *fd_out, struct failure *why);
/* Replaces a socket file that is there; the caller sets mode and owner. */
MUST_USE bool socket_listen_unix(const char *path, int backlog, int *fd_out, struct failure *why);

MUST_USE bool socket_peer_address(int fd, struct socket_address *address_out, struct failure *why);
MUST_USE bool socket_local_address(int fd, struct socket_address *address_out, struct failure *why);

/* listener - accepts from a listening socket that other processes may share. While nobody calls accept,
 * the socket is not polled, so a full process leaves connections to its siblings. */
struct listener;

/* Does not own fd. */
MUST_USE bool listener_create(struct loop *loop, int fd, struct listener **listener_out, struct failure *why);
void listener_destroy(struct listener **listener);
/* One fiber at a time. FAILURE_TIMEOUT; FAILURE_STOPPED after listener_abort. peer_out may be NULL. */
MUST_USE bool listener_accept(struct listener *listener, struct duration timeout, int *fd_out,
                              struct socket_address *peer_out, struct failure *why);
void listener_abort(struct listener *listener);

#endif
