/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors over streams. */
#include "base/check.h"
#include "base/memory.h"
#include "run/stream_private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_AT_ONCE = 8 };

union fd_control {
    char space[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
    struct cmsghdr alignment;
};

static ssize_t send_message(int socket_fd, int fd, struct str data)
{
    union fd_control control;
    struct iovec part = { (void *) (uintptr_t) data.data, data.len };
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = CMSG_SPACE(sizeof fd),
    };
    struct cmsghdr *header;

    memset(&control, 0, sizeof control);
    header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(socket_fd, &message, MSG_NOSIGNAL);
}

bool stream_send_fd(struct stream *stream, int fd, struct str data, struct failure *why)
{
    ssize_t count;

    CHECK(data.len > 0 && stream->ops == NULL);
    if (!stream_flush(stream, why))
        return false;
    while ((count = send_message(stream->fd, fd, data)) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return failure_system(why, errno, "cannot pass a descriptor");
        if (!stream_wait(stream, POLLER_WRITE, why))
            return false;
    }
    stream->bytes_written += (uint64_t) count;
    return stream_write(stream, str_from(data, (size_t) count), why) && stream_flush(stream, why);
}

void stream_allow_fds(struct stream *stream, unsigned maximum)
{
    CHECK(maximum >= stream->fd_maximum);
    stream->fds = memory_resize(stream->fds, maximum * sizeof stream->fds[0]);
    stream->fd_maximum = maximum;
}

static void keep_fds(struct stream *stream, const unsigned char *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int fd;

        memcpy(&fd, data + i * sizeof fd, sizeof fd);
        if (stream->fd_count < stream->fd_maximum)
            stream->fds[stream->fd_count++] = fd;
        else
            close(fd);
    }
}

ssize_t stream_receive_message(struct stream *stream, void *data, size_t size)
{
    union fd_control control;
    struct iovec part = { data, size };
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.space,
        .msg_controllen = sizeof control.space,
    };
    ssize_t count = recvmsg(stream->fd, &message, MSG_CMSG_CLOEXEC);

    if (count < 0)
        return count;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            keep_fds(stream, CMSG_DATA(header), (header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    }
    return count;
}

int stream_take_fd(struct stream *stream)
{
    int fd;

    if (stream->fd_count == 0)
        return STREAM_NO_FD;
    fd = stream->fds[0];
    stream->fd_count--;
    memmove(stream->fds, stream->fds + 1, stream->fd_count * sizeof stream->fds[0]);
    return fd;
}

bool stream_receive_fd(struct stream *stream, int *fd_out, struct failure *why)
{
    CHECK(stream->fd_maximum > 0);
    while (stream->fd_count == 0) {
        if (!stream_fill(stream, why))
            return false;
    }
    *fd_out = stream_take_fd(stream);
    return true;
}

void stream_drop_fds(struct stream *stream)
{
    while (stream->fd_count > 0)
        close(stream->fds[--stream->fd_count]);
    memory_free(stream->fds);
    stream->fds = NULL;
}
