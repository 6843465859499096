/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/master_link.h"

#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "run/poller.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct master_link {
    int fd; /* -1: no master */
    struct poller *poller;
    bool has_unsent;
    struct master_record unsent;
};

static bool is_status_socket(int fd)
{
    int kind;
    socklen_t len = sizeof kind;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &len) == 0 && kind == SOCK_SEQPACKET;
}

struct master_link *master_link_create(int fd)
{
    struct master_link *link = memory_alloc(sizeof *link);

    link->fd =
        is_status_socket(fd) && fd_set_nonblocking(fd, true, NULL) && fd_set_close_on_exec(fd, true, NULL) ? fd : -1;
    return link;
}

void master_link_destroy(struct master_link **link)
{
    if (*link == NULL)
        return;
    poller_destroy(&(*link)->poller);
    fd_close(&(*link)->fd);
    memory_free(*link);
    *link = NULL;
}

static bool send_record(struct master_link *link, const struct master_record *record, struct str path)
{
    struct iovec parts[2] = {
        { (void *) (uintptr_t) record, sizeof *record },
        { (void *) (uintptr_t) path.data, path.len },
    };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = ARRAY_COUNT(parts) };

    while (sendmsg(link->fd, &message, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR)
            continue;
        /* When master is gone, the reader of this socket sees it. */
        return errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS;
    }
    return true;
}

void master_link_send(struct master_link *link, enum master_record_kind kind, uint32_t sessions)
{
    struct master_record record = { .kind = (uint32_t) kind, .sessions = sessions };

    if (link->fd < 0)
        return;
    /* The latest state is all that counts. */
    link->has_unsent = !send_record(link, &record, STR_EMPTY);
    link->unsent = record;
}

void master_link_watch(struct master_link *link, struct str path)
{
    struct master_record record = { .kind = MASTER_WATCH };
    char name[MASTER_PATH_MAX + 1];
    struct stat status;
    struct failure ignored;

    if (link->fd < 0 || path.len > MASTER_PATH_MAX)
        return;
    memcpy(name, path.data, path.len);
    name[path.len] = '\0';
    if (file_stat(name, &status, &ignored)) {
        record.device = status.st_dev;
        record.inode = status.st_ino;
        record.size = status.st_size;
        record.changed_ns = (int64_t) status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    }
    (void) send_record(link, &record, path);
}

bool master_link_has_pending(const struct master_link *link)
{
    return link->has_unsent;
}

bool master_link_wait_gone(struct master_link *link, struct loop *loop, void (*hear)(void *context, char word),
                           void *context)
{
    char byte;

    if (link->fd < 0 || !poller_create(loop, link->fd, &link->poller, NULL))
        return false;
    while (poller_wait(link->poller, POLLER_READ, DURATION_FOREVER, NULL)) {
        ssize_t count = recv(link->fd, &byte, 1, 0);

        if (count > 0)
            hear(context, byte);
        else if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
            return true;
    }
    return false;
}

void master_link_abort(struct master_link *link)
{
    if (link->poller != NULL)
        poller_abort(link->poller);
}
