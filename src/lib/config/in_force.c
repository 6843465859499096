/* SPDX-License-Identifier: Apache-2.0 */
#include "config/in_force.h"

#include "base/arena.h"
#include "base/failure.h"
#include "base/time.h"
#include "os/fd.h"
#include "os/system_socket.h"

#include <errno.h>
#include <poll.h>

/* A full backlog is waited for. False where nobody can be asked. */
static bool connect_to_master(const char *path, struct instant end, int *fd_out)
{
    enum { PAUSE_MS = 20 };
    struct failure why;

    while (!system_socket_try_connect_unix(path, fd_out, &why)) {
        if (why.error != EAGAIN || !instant_is_before(clock_monotonic(), end))
            return false;
        (void) poll(NULL, 0, PAUSE_MS);
    }
    return true;
}

bool in_force_wait(struct str queue_directory)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(fd_close) int fd = -1;
    const char *path = arena_printf(arena, "%.*s/%s", STR_ARG(queue_directory), IN_FORCE_SOCKET).data;
    const struct instant end = instant_add(clock_monotonic(), seconds(IN_FORCE_SECONDS));

    if (!connect_to_master(path, end, &fd))
        return instant_is_before(clock_monotonic(), end);
    for (;;) {
        struct duration left = instant_since(end, clock_monotonic());
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

        if (left.us <= 0)
            return false;
        if (poll(&poll_fd, 1, (int) (left.us / 1000) + 1) > 0)
            return true;
    }
}
