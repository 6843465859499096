/* SPDX-License-Identifier: Apache-2.0 */
/* The reading half of streams. */
#include "base/check.h"
#include "base/memory.h"
#include "run/loop_private.h"
#include "run/stream_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void give_back(struct stream *stream)
{
    struct stream_input *in = &stream->in;

    if (in->data == NULL || in->start < in->end)
        return;
    if (in->capacity == LOOP_BUFFER_SIZE)
        loop_buffer_put(stream->loop, in->data);
    else
        memory_free(in->data);
    *in = (struct stream_input){ 0 };
}

static void grow(struct stream_input *in, struct loop *loop)
{
    char *larger = memory_resize(NULL, STREAM_READ_MAX);

    memcpy(larger, in->data, in->end);
    loop_buffer_put(loop, in->data);
    in->data = larger;
    in->capacity = STREAM_READ_MAX;
}

/* Room for at least one more byte. */
static bool make_room(struct stream *stream, struct failure *why)
{
    struct stream_input *in = &stream->in;

    if (in->data == NULL) {
        in->data = loop_buffer_get(stream->loop);
        in->capacity = LOOP_BUFFER_SIZE;
        return true;
    }
    if (in->start == in->end)
        in->start = in->end = 0;
    if (in->end < in->capacity)
        return true;
    if (in->start > 0) {
        memmove(in->data, in->data + in->start, in->end - in->start);
        in->end -= in->start;
        in->start = 0;
        return true;
    }
    if (in->capacity >= STREAM_READ_MAX)
        return failure_set(why, FAILURE_PROTOCOL, 0, "too long");
    grow(in, stream->loop);
    return true;
}

/* What was read from the descriptor, and not yet from the layer above it. */
static bool has_pending(const struct stream *stream)
{
    return stream->ops != NULL && stream->ops->pending(stream->ops_context) > 0;
}

static ssize_t receive_now(struct stream *stream, char *data, size_t size, enum poller_direction *wait_out)
{
    enum stream_wait wait = STREAM_WAIT_READ;
    ssize_t count;

    *wait_out = POLLER_READ;
    if (stream->is_drained && (stream->ops != NULL || poller_has_waited(stream->poller))) {
        /* Level-triggered: if there is something after all, the wait ends at once. (A first wait costs more than a
         * read, and what came at once may have its end behind it.) */
        stream->is_drained = false;
        errno = EAGAIN;
        return -1;
    }
    if (stream->ops != NULL) {
        count = stream->ops->read(stream->ops_context, stream->fd, data, size, &wait);
        *wait_out = wait == STREAM_WAIT_READ ? POLLER_READ : POLLER_WRITE;
    } else {
        count = stream->fd_maximum > 0 ? stream_receive_message(stream, data, size) : read(stream->fd, data, size);
    }
    if (count > 0)
        stream->is_drained = (size_t) count < size && !has_pending(stream);
    return count;
}

bool stream_fill(struct stream *stream, struct failure *why)
{
    struct stream_input *in = &stream->in;
    enum poller_direction direction;
    ssize_t count;

    for (;;) {
        if (!stream_check(stream, why))
            return false;
        if (stream->is_at_end)
            return failure_set(why, FAILURE_PROTOCOL, 0, "connection closed");
        if (!make_room(stream, why))
            return false;
        count = receive_now(stream, in->data + in->end, in->capacity - in->end, &direction);
        if (count > 0)
            break;
        give_back(stream);
        if (count == 0) {
            stream->is_at_end = true;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return failure_system(why, errno, "read");
        if (stream->flushes_before_wait && stream_unsent(stream) > 0 && !stream_flush(stream, why))
            return false;
        if (!stream_wait(stream, direction, why))
            return false;
    }
    in->end += (size_t) count;
    stream->bytes_read += (uint64_t) count;
    stream_progress(stream, (size_t) count);
    return true;
}

struct str stream_buffered(const struct stream *stream)
{
    const struct stream_input *in = &stream->in;

    return in->data == NULL ? STR_EMPTY : str_make(in->data + in->start, in->end - in->start);
}

void stream_take(struct stream *stream, size_t count)
{
    CHECK(count <= stream->in.end - stream->in.start);
    stream->in.start += count;
}

static struct str take_view(struct stream *stream, size_t count)
{
    struct str view = str_part(stream_buffered(stream), 0, count);

    stream_take(stream, count);
    return view;
}

bool stream_read_line(struct stream *stream, size_t maximum, struct str *line_out, struct failure *why)
{
    size_t searched = 0;

    CHECK(maximum > 0 && maximum <= STREAM_READ_MAX);
    for (;;) {
        struct str buffered = str_part(stream_buffered(stream), 0, maximum);
        size_t place = str_find_char(str_from(buffered, searched), '\n');

        if (place != STR_NOT_FOUND) {
            *line_out = take_view(stream, searched + place + 1);
            return true;
        }
        if (buffered.len == maximum)
            break;
        searched = buffered.len;
        if (!stream_fill(stream, why)) {
            if (!stream->is_at_end || stream_buffered(stream).len == 0)
                return false;
            break;
        }
    }
    *line_out = take_view(stream, str_part(stream_buffered(stream), 0, maximum).len);
    return true;
}

bool stream_read_exact(struct stream *stream, size_t count, struct str *data_out, struct failure *why)
{
    CHECK(count <= STREAM_READ_MAX);
    while (stream_buffered(stream).len < count) {
        if (!stream_fill(stream, why))
            return false;
    }
    *data_out = take_view(stream, count);
    return true;
}

bool stream_read_some(struct stream *stream, size_t maximum, struct str *data_out, struct failure *why)
{
    size_t count;

    CHECK(maximum > 0);
    if (stream_buffered(stream).len == 0 && !stream_fill(stream, why))
        return false;
    count = stream_buffered(stream).len;
    *data_out = take_view(stream, count < maximum ? count : maximum);
    return true;
}

bool stream_has_input(const struct stream *stream)
{
    struct pollfd ready = { .fd = stream->fd, .events = POLLIN };

    if (stream->is_at_end || stream->in.start < stream->in.end)
        return true;
    if (has_pending(stream))
        return true;
    return poll(&ready, 1, 0) > 0;
}

/* The last read took all there was, and since then nobody has woken the poller. */
static bool is_known_silent(const struct stream *stream)
{
    return stream->is_drained && !stream->is_at_end && stream->in.start == stream->in.end &&
           poller_is_silent(stream->poller, POLLER_READ);
}

bool stream_was_silent(const struct stream *stream)
{
    return is_known_silent(stream) || !stream_has_input(stream);
}

bool stream_wait_input(struct stream *stream, struct duration timeout, struct failure *why)
{
    struct duration usual = stream->timeout;
    bool is_ready;

    if (!stream_check(stream, why))
        return false;
    if (stream_unsent(stream) > 0 && stream->flushes_before_wait && !stream_flush(stream, why))
        return false;
    if (stream_has_input(stream))
        return true;
    give_back(stream);
    stream->timeout = timeout;
    is_ready = stream_wait(stream, POLLER_READ, why);
    stream->timeout = usual;
    return is_ready;
}

bool stream_is_at_end(const struct stream *stream)
{
    return stream->is_at_end && stream->in.start == stream->in.end;
}
