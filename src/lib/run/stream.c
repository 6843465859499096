/* SPDX-License-Identifier: Apache-2.0 */
#include "run/stream.h"

#include "base/check.h"
#include "base/memory.h"
#include "run/loop_private.h"
#include "run/stream_private.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

bool stream_create(struct loop *loop, int fd, struct duration timeout, struct stream **stream_out, struct failure *why)
{
    struct poller *poller;
    struct stream *stream;

    if (!poller_create(loop, fd, &poller, why)) {
        close(fd);
        return false;
    }
    stream = memory_alloc(sizeof *stream);
    stream->loop = loop;
    stream->poller = poller;
    stream->fd = fd;
    stream->timeout = timeout;
    stream->deadline = STREAM_NO_DEADLINE;
    stream->may_be_socket = true;
    stream->flushes_before_wait = true;
    *stream_out = stream;
    return true;
}

static void release_input(struct stream *stream)
{
    if (stream->in.data == NULL)
        return;
    if (stream->in.capacity == LOOP_BUFFER_SIZE)
        loop_buffer_put(stream->loop, stream->in.data);
    else
        memory_free(stream->in.data);
    stream->in = (struct stream_input){ 0 };
}

static void release_output(struct stream *stream)
{
    if (stream->out.data != NULL)
        loop_buffer_put(stream->loop, stream->out.data);
    stream->out = (struct stream_output){ 0 };
}

int stream_detach(struct stream **pointer)
{
    struct stream *stream = *pointer;
    int fd = stream->fd;

    *pointer = NULL;
    poller_destroy(&stream->poller);
    if (stream->ops != NULL)
        stream->ops->destroy(stream->ops_context);
    release_input(stream);
    release_output(stream);
    stream_drop_fds(stream);
    memory_free(stream);
    return fd;
}

void stream_destroy(struct stream **pointer)
{
    if (*pointer != NULL)
        close(stream_detach(pointer));
}

int stream_fd(const struct stream *stream)
{
    return stream->fd;
}

struct loop *stream_loop(const struct stream *stream)
{
    return stream->loop;
}

void stream_set_timeout(struct stream *stream, struct duration timeout)
{
    stream->timeout = timeout;
}

struct duration stream_timeout(const struct stream *stream)
{
    return stream->timeout;
}

void stream_set_deadline(struct stream *stream, struct instant deadline)
{
    stream->deadline = deadline;
}

void stream_set_minimum_rate(struct stream *stream, unsigned bytes_per_second)
{
    stream->minimum_rate = bytes_per_second;
}

void stream_progress(struct stream *stream, size_t count)
{
    struct duration gained;
    struct instant latest;

    if (stream->minimum_rate == 0 || stream->deadline.us == STREAM_NO_DEADLINE.us)
        return;
    gained.us = (int64_t) count * 1000000 / stream->minimum_rate;
    latest = instant_add(loop_now(stream->loop), stream->timeout);
    stream->deadline = instant_add(stream->deadline, gained);
    if (instant_is_before(latest, stream->deadline))
        stream->deadline = latest;
}

bool stream_check(const struct stream *stream, struct failure *why)
{
    if (stream->is_aborted)
        return failure_set(why, FAILURE_STOPPED, 0, "stopped");
    if (!instant_is_before(loop_now(stream->loop), stream->deadline))
        return failure_set(why, FAILURE_TIMEOUT, 0, "timed out");
    return true;
}

bool stream_wait(struct stream *stream, enum poller_direction direction, struct failure *why)
{
    struct duration timeout = stream->timeout;

    if (!stream_check(stream, why))
        return false;
    if (stream->deadline.us != STREAM_NO_DEADLINE.us) {
        struct duration left = instant_since(stream->deadline, loop_now(stream->loop));

        if (left.us < timeout.us)
            timeout = left;
    }
    return poller_wait(stream->poller, direction, timeout, why);
}

bool stream_wait_ready(struct stream *stream, enum stream_wait wait, struct failure *why)
{
    return stream_wait(stream, wait == STREAM_WAIT_READ ? POLLER_READ : POLLER_WRITE, why);
}

void stream_abort(struct stream *stream)
{
    stream->is_aborted = true;
    poller_abort(stream->poller);
}

void stream_interrupt(struct stream *stream)
{
    poller_interrupt(stream->poller, POLLER_READ);
}

uint64_t stream_bytes_read(const struct stream *stream)
{
    return stream->bytes_read;
}

uint64_t stream_bytes_written(const struct stream *stream)
{
    return stream->bytes_written;
}

void stream_set_flush_before_wait(struct stream *stream, bool is_on)
{
    stream->flushes_before_wait = is_on;
}

void stream_set_ops(struct stream *stream, const struct stream_ops *ops, void *context)
{
    CHECK(stream_unsent(stream) == 0);
    release_input(stream);
    stream->is_drained = false;
    stream->ops = ops;
    stream->ops_context = context;
}

/* ---- writing ---- */

static ssize_t send_now(struct stream *stream, const char *data, size_t size, enum poller_direction *wait_out)
{
    *wait_out = POLLER_WRITE;
    if (stream->ops != NULL) {
        enum stream_wait wait = STREAM_WAIT_WRITE;
        ssize_t count = stream->ops->write(stream->ops_context, stream->fd, data, size, &wait);

        *wait_out = wait == STREAM_WAIT_READ ? POLLER_READ : POLLER_WRITE;
        return count;
    }
    if (stream->may_be_socket) {
        ssize_t count = send(stream->fd, data, size, MSG_NOSIGNAL);

        if (count >= 0 || errno != ENOTSOCK)
            return count;
        stream->may_be_socket = false;
    }
    return write(stream->fd, data, size);
}

/* Sends some of data, waiting until the peer takes at least one byte. */
static bool send_some(struct stream *stream, const char *data, size_t size, size_t *sent_out, struct failure *why)
{
    enum poller_direction direction;
    ssize_t count;

    if (!stream_check(stream, why))
        return false;
    while ((count = send_now(stream, data, size, &direction)) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return failure_system(why, errno, "write");
        if (!stream_wait(stream, direction, why))
            return false;
    }
    stream->bytes_written += (uint64_t) count;
    stream_progress(stream, (size_t) count);
    *sent_out = (size_t) count;
    return true;
}

bool stream_flush(struct stream *stream, struct failure *why)
{
    struct stream_output *out = &stream->out;

    while (out->start < out->end) {
        size_t sent;

        if (!send_some(stream, out->data + out->start, out->end - out->start, &sent, why))
            return false;
        out->start += sent;
    }
    release_output(stream);
    return true;
}

static bool send_directly(struct stream *stream, struct str *data, struct failure *why)
{
    while (data->len >= LOOP_BUFFER_SIZE) {
        size_t sent;

        if (!send_some(stream, data->data, data->len, &sent, why))
            return false;
        *data = str_from(*data, sent);
    }
    return true;
}

bool stream_write(struct stream *stream, struct str data, struct failure *why)
{
    struct stream_output *out = &stream->out;

    while (data.len > 0) {
        size_t count;

        if (out->data == NULL) {
            if (!send_directly(stream, &data, why))
                return false;
            out->data = loop_buffer_get(stream->loop);
        }
        count = LOOP_BUFFER_SIZE - out->end < data.len ? LOOP_BUFFER_SIZE - out->end : data.len;
        if (count > 0)
            memcpy(out->data + out->end, data.data, count);
        out->end += count;
        data = str_from(data, count);
        if (data.len > 0 && !stream_flush(stream, why))
            return false;
    }
    return true;
}

bool stream_vprintf(struct stream *stream, struct failure *why, const char *format, va_list args)
{
    char line[512];
    va_list again;
    int len;
    bool is_written;

    va_copy(again, args);
    len = vsnprintf(line, sizeof line, format, args);
    CHECK(len >= 0);
    if ((size_t) len < sizeof line) {
        is_written = stream_write(stream, str_make(line, (size_t) len), why);
    } else {
        char *text = memory_alloc((size_t) len + 1);

        vsnprintf(text, (size_t) len + 1, format, again);
        is_written = stream_write(stream, str_make(text, (size_t) len), why);
        memory_free(text);
    }
    va_end(again);
    return is_written;
}

bool stream_printf(struct stream *stream, struct failure *why, const char *format, ...)
{
    va_list args;
    bool is_written;

    va_start(args, format);
    is_written = stream_vprintf(stream, why, format, args);
    va_end(args);
    return is_written;
}

size_t stream_unsent(const struct stream *stream)
{
    return stream->out.end - stream->out.start;
}

bool stream_end_writing(struct stream *stream, struct failure *why)
{
    if (!stream_flush(stream, why))
        return false;
    if (shutdown(stream->fd, SHUT_WR) < 0)
        return failure_system(why, errno, "shutdown");
    return true;
}
