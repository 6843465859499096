/* SPDX-License-Identifier: Apache-2.0 */
#include "master/settled.h"

#include "os/fd.h"
#include "os/file.h"
#include "os/system_socket.h"

#include <string.h>
#include <sys/socket.h>

enum { BACKLOG = 128, PATIENCE_SECONDS = 2 * IN_FORCE_SECONDS /* more than who asks has */ };

bool settled_open(struct settled *settled, struct failure *why)
{
    const struct system_socket_access access = { .mode = 0600, .uid = (uid_t) -1, .gid = (gid_t) -1 };

    settled->count = 0;
    settled->listener = -1;
    return system_socket_listen_unix(IN_FORCE_SOCKET, BACKLOG, &access, &settled->listener, why);
}

/* A few lines always have room in a new socket's buffer. */
static void release_first(struct settled *settled, struct str words)
{
    if (words.len > 0)
        (void) !send(settled->askers[0].fd, words.data, words.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    fd_close(&settled->askers[0].fd);
    settled->count--;
    memmove(&settled->askers[0], &settled->askers[1], settled->count * sizeof settled->askers[0]);
}

void settled_close(struct settled *settled)
{
    struct failure ignored;

    while (settled->count > 0)
        release_first(settled, STR_EMPTY);
    if (settled->listener >= 0)
        (void) !file_unlink(IN_FORCE_SOCKET, &ignored);
    fd_close(&settled->listener);
}

int settled_listener(const struct settled *settled)
{
    return settled->count < SETTLED_ASKERS_MAX ? settled->listener : -1;
}

void settled_take(struct settled *settled, struct instant now)
{
    int fd;

    while (settled->count < SETTLED_ASKERS_MAX && system_socket_try_accept(settled->listener, &fd)) {
        settled->askers[settled->count].fd = fd;
        settled->askers[settled->count++].until = instant_add(now, seconds(PATIENCE_SECONDS));
    }
}

void settled_release(struct settled *settled, bool is_settled, struct str words, struct instant now)
{
    while (settled->count > 0 && (is_settled || !instant_is_before(now, settled->askers[0].until)))
        release_first(settled, words);
}
