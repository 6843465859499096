/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/poller.h"
#include "run/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

struct listener {
    struct loop *loop;
    struct poller *poller;
    int fd;
};

bool listener_create(struct loop *loop, int fd, struct listener **listener_out, struct failure *why)
{
    struct poller *poller;
    struct listener *listener;

    if (!poller_create(loop, fd, &poller, why))
        return false;
    listener = memory_alloc(sizeof *listener);
    listener->loop = loop;
    listener->poller = poller;
    listener->fd = fd;
    *listener_out = listener;
    return true;
}

void listener_destroy(struct listener **listener)
{
    if (*listener == NULL)
        return;
    poller_destroy(&(*listener)->poller);
    memory_free(*listener);
    *listener = NULL;
}

/* The peer went before we came, or a sibling was faster. */
static bool is_passing(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == EHOSTUNREACH ||
           error == ENETUNREACH || error == ENOPROTOOPT || error == EOPNOTSUPP;
}

bool listener_accept(struct listener *listener, struct duration timeout, int *fd_out, struct socket_address *peer_out,
                     struct failure *why)
{
    struct instant end = instant_add(loop_now(listener->loop), timeout);
    struct socket_address peer;
    int on = 1;
    int fd;

    for (;;) {
        struct duration left = timeout;

        peer = (struct socket_address){ .len = sizeof peer.storage };
        fd = accept4(listener->fd, (struct sockaddr *) &peer.storage, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            break;
        if (is_passing(errno))
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return failure_system(why, errno, "accept");
        if (timeout.us != DURATION_FOREVER.us)
            left = instant_since(end, loop_now(listener->loop));
        if (!poller_wait(listener->poller, POLLER_READ, left, why))
            return false;
    }
    if (peer.storage.ss_family == AF_INET || peer.storage.ss_family == AF_INET6)
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *fd_out = fd;
    if (peer_out != NULL)
        *peer_out = peer;
    return true;
}

void listener_abort(struct listener *listener)
{
    poller_abort(listener->poller);
}
