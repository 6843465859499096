/* SPDX-License-Identifier: Apache-2.0 */
#include "config/in_force.h"

#include "base/failure.h"
#include "base/strbuf.h"
#include "base/time.h"
#include "os/fd.h"
#include "os/system_socket.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

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

/* False if the end does not come in time. */
static bool hear(int fd, struct instant end, struct strbuf *said)
{
    char bytes[1024];
    ssize_t len = 1;

    while (len > 0) {
        struct duration left = instant_since(end, clock_monotonic());
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

        if (left.us <= 0)
            return false;
        if (poll(&poll_fd, 1, (int) (left.us / 1000) + 1) <= 0)
            continue;
        len = read(fd, bytes, sizeof bytes);
        if (len > 0)
            (void) strbuf_append_bytes(said, bytes, (size_t) len);
    }
    return true;
}

bool in_force_wait(struct str queue_directory, struct arena *arena, struct str *complaints_out)
{
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(strbuf_done) struct strbuf said;
    const char *path = arena_printf(arena, "%.*s/%s", STR_ARG(queue_directory), IN_FORCE_SOCKET).data;
    const struct instant end = instant_add(clock_monotonic(), seconds(IN_FORCE_SECONDS));
    bool is_in_force;

    strbuf_init(&said, STRBUF_UNLIMITED);
    if (!connect_to_master(path, end, &fd))
        return instant_is_before(clock_monotonic(), end);
    is_in_force = hear(fd, end, &said);
    if (complaints_out != NULL)
        *complaints_out = arena_str(arena, strbuf_str(&said));
    return is_in_force;
}
