/* SPDX-License-Identifier: Apache-2.0 */
/* One session on standard input and output, without master: what sendmail -bs starts. */
#include "daemon/daemon_private.h"
#include "log/log.h"
#include "os/fd.h"
#include "run/loop.h"
#include "run/poller.h"
#include "run/socket.h"
#include "run/stream.h"

#include <errno.h>
#include <unistd.h>

enum { PIECE_SIZE = 4096 };

/* Carries bytes between a descriptor that may be anything (terminal, pipe, file) and the session's socket. */
struct carrier {
    struct loop *loop;
    struct stream *stream;
};

/* A file is always ready and cannot be polled. */
static bool wait_for(struct loop *loop, int fd, enum poller_direction direction)
{
    struct poller *poller;
    struct failure why;
    bool is_ready;

    if (!poller_create(loop, fd, &poller, &why))
        return false;
    is_ready = poller_wait(poller, direction, DURATION_FOREVER, &why) || why.error == EPERM;
    poller_destroy(&poller);
    return is_ready;
}

static void carry_in(void *context)
{
    struct carrier *carrier = context;
    char piece[PIECE_SIZE];
    ssize_t count;

    while (wait_for(carrier->loop, STDIN_FILENO, POLLER_READ)) {
        count = read(STDIN_FILENO, piece, sizeof piece);
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count <= 0)
            break;
        if (!stream_write(carrier->stream, str_make(piece, (size_t) count), NULL) ||
            !stream_flush(carrier->stream, NULL))
            return;
    }
    if (!stream_end_writing(carrier->stream, NULL))
        return;
}

static bool write_all(struct loop *loop, struct str data)
{
    while (data.len > 0) {
        ssize_t count = write(STDOUT_FILENO, data.data, data.len);

        if (count > 0)
            data = str_from(data, (size_t) count);
        else if (errno == EAGAIN && !wait_for(loop, STDOUT_FILENO, POLLER_WRITE))
            return false;
        else if (errno != EINTR && errno != EAGAIN)
            return false;
    }
    return true;
}

static void carry_out(void *context)
{
    struct carrier *carrier = context;
    struct str data;

    while (stream_read_some(carrier->stream, PIECE_SIZE, &data, NULL)) {
        if (!write_all(carrier->loop, data))
            return;
    }
}

static void carry(struct daemon *daemon, int far_fd)
{
    struct carrier carrier = { .loop = daemon->loop };
    struct fiber_group in, out;

    if (!stream_create(daemon->loop, far_fd, DURATION_FOREVER, &carrier.stream, NULL))
        return;
    stream_set_flush_before_wait(carrier.stream, false);
    fiber_group_init(&in, daemon->loop);
    fiber_group_init(&out, daemon->loop);
    /* The session's end ends the process: carry_in, which may wait for more input, never runs again. */
    fiber_group_start(&in, carry_in, &carrier);
    fiber_group_start(&out, carry_out, &carrier);
    while (!fiber_group_wait(&out, seconds(60), NULL) || daemon->connection_count > 0)
        daemon_wait(daemon, &daemon->all_done);
    if (in.running == 0)
        stream_destroy(&carrier.stream);
}

void daemon_serve_standalone(struct daemon *daemon)
{
    struct failure why;
    int ends[2];

    if (!socket_pair(ends, &why)) {
        log_fatal("%s", why.text);
        return;
    }
    daemon_start_connection(daemon, ends[0]);
    carry(daemon, ends[1]);
}
