/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/fd.h"
#include "run/socket.h"
#include "run/stream.h"

#include <sys/socket.h>

static struct channel *channel_create(struct loop *loop, struct stream *stream, const struct protocol *protocol)
{
    struct channel *channel = memory_alloc(sizeof *channel);

    channel->loop = loop;
    channel->stream = stream;
    channel->protocol = protocol;
    while (protocol->messages[channel->message_count] != NULL)
        channel->message_count++;
    list_init(&channel->set_node);
    strbuf_init(&channel->output, STRBUF_UNLIMITED);
    event_init(&channel->output_ready);
    fiber_group_init(&channel->handlers, loop);
    channel->references = 1;
    stream_set_timeout(stream, DURATION_FOREVER);
    stream_set_flush_before_wait(stream, false);
    stream_allow_fds(stream, 64);
    return channel;
}

static void drop_output_fds(struct channel *channel)
{
    for (size_t i = 0; i < channel->output_fd_count; i++)
        fd_close(&channel->output_fds[i].fd);
    channel->output_fd_count = 0;
}

void channel_release(struct channel *channel)
{
    if (--channel->references > 0)
        return;
    drop_output_fds(channel);
    memory_free(channel->output_fds);
    strbuf_done(&channel->output);
    stream_destroy(&channel->stream);
    memory_free(channel);
}

void channel_lose(struct channel *channel, const struct failure *why)
{
    struct call *call;
    struct call *next;

    if (channel->is_lost)
        return;
    channel->references++;
    channel->is_lost = true;
    channel->reason = *why;
    event_wake_all(&channel->output_ready);
    stream_abort(channel->stream);
    /* The peer hears of it now, not when the last holder lets go of the channel. */
    (void) shutdown(stream_fd(channel->stream), SHUT_RDWR);
    for (call = channel->calls; call != NULL; call = next) {
        next = call->hh.next;
        call_lose(call);
    }
    channel_release(channel);
}

static void lose_stopped(struct channel *channel)
{
    struct failure why;

    failure_set(&why, FAILURE_STOPPED, 0, "closed");
    channel_lose(channel, &why);
}

void channel_set_tracer(struct channel *channel, const struct channel_tracer *tracer)
{
    channel->tracer = tracer;
}

bool channel_is_open(const struct channel *channel)
{
    return !channel->is_lost && !channel->is_leaving;
}

void channel_close(struct channel **handle)
{
    struct channel *channel = *handle;

    *handle = NULL;
    if (channel == NULL)
        return;
    lose_stopped(channel);
    channel_release(channel);
}

void channel_close_if_left(struct channel *channel)
{
    if (channel->is_leaving && channel->calls == NULL && channel->output.len == 0 && !channel->is_writing)
        lose_stopped(channel);
}

void channel_leave(struct channel **handle)
{
    struct channel *channel = *handle;

    *handle = NULL;
    if (channel == NULL)
        return;
    channel->is_leaving = true;
    channel_close_if_left(channel);
    channel_release(channel);
}

/* ---- writing ---- */

void channel_output_ready(struct channel *channel)
{
    event_wake_one(&channel->output_ready);
}

bool channel_output_fd(struct channel *channel, size_t offset, int fd, struct failure *why)
{
    int copy;

    if (!fd_copy(fd, 3, &copy, why))
        return false;
    if (channel->output_fd_count == channel->output_fd_capacity) {
        size_t capacity = channel->output_fd_capacity > 0 ? 2 * channel->output_fd_capacity : 4;

        channel->output_fds = memory_resize(channel->output_fds, capacity * sizeof *channel->output_fds);
        channel->output_fd_capacity = capacity;
    }
    /* The receiver takes the flag from the frame's header. */
    channel->output.data[offset + 10] = 1;
    channel->output_fds[channel->output_fd_count++] = (struct outgoing_fd){ .offset = offset, .fd = copy };
    return true;
}

static bool write_output(struct channel *channel, struct str bytes, const struct outgoing_fd *fds, size_t fd_count,
                         struct failure *why)
{
    size_t sent = 0;

    for (size_t i = 0; i < fd_count; i++) {
        struct str before = str_part(bytes, sent, fds[i].offset - sent);

        if (!stream_write(channel->stream, before, why) ||
            !stream_send_fd(channel->stream, fds[i].fd, str_part(bytes, fds[i].offset, FRAME_HEADER_SIZE), why))
            return false;
        sent = fds[i].offset + FRAME_HEADER_SIZE;
    }
    return stream_write(channel->stream, str_from(bytes, sent), why) && stream_flush(channel->stream, why);
}

/* Takes all that has gathered and sends it; what comes meanwhile gathers in a new buffer. */
static bool send_output(struct channel *channel, struct failure *why)
{
    struct strbuf bytes = channel->output;
    struct outgoing_fd *fds = channel->output_fds;
    size_t fd_count = channel->output_fd_count;
    bool is_sent;

    strbuf_init(&channel->output, STRBUF_UNLIMITED);
    channel->output_fds = NULL;
    channel->output_fd_count = channel->output_fd_capacity = 0;
    channel->is_writing = true;
    is_sent = write_output(channel, strbuf_str(&bytes), fds, fd_count, why);
    channel->is_writing = false;
    for (size_t i = 0; i < fd_count; i++)
        fd_close(&fds[i].fd);
    memory_free(fds);
    if (channel->output.data == NULL && bytes.capacity <= CALL_WINDOW_BYTES) {
        strbuf_clear(&bytes);
        channel->output = bytes;
    } else {
        strbuf_done(&bytes);
    }
    return is_sent;
}

static void run_writer(void *context)
{
    struct channel *channel = context;
    struct failure why;

    while (!channel->is_lost) {
        if (channel->output.len == 0) {
            if (!event_wait(channel->loop, &channel->output_ready, DURATION_FOREVER, &why))
                break;
        } else if (!send_output(channel, &why)) {
            channel_lose(channel, &why);
        } else {
            channel_close_if_left(channel);
        }
    }
    channel_release(channel);
}

/* ---- reading ---- */

static bool read_payload(struct channel *channel, size_t len, struct strbuf *large, struct str *payload_out,
                         struct failure *why)
{
    struct str piece;

    if (len == 0) {
        *payload_out = STR_EMPTY;
        return true;
    }
    if (len <= STREAM_READ_MAX)
        return stream_read_exact(channel->stream, len, payload_out, why);
    while (large->len < len) {
        size_t wanted = len - large->len < STREAM_READ_MAX ? len - large->len : STREAM_READ_MAX;

        if (!stream_read_some(channel->stream, wanted, &piece, why))
            return false;
        strbuf_append(large, piece);
    }
    *payload_out = strbuf_str(large);
    return true;
}

static struct call *find_call(struct channel *channel, uint32_t number)
{
    struct call *call;

    HASH_FIND(hh, channel->calls, &number, sizeof number, call);
    return call;
}

static void run_handler(void *context)
{
    struct call *call = context;
    struct channel *channel = call->channel;
    struct call *handle = call;

    channel->handler(call, channel->handler_context);
    call_end(&handle);
    call->is_handled = false;
    call_release(call);
}

/* A call that the peer starts: only a client does, and its numbers rise. */
static bool accept_call(struct channel *channel, const struct frame *frame, struct call **call_out, struct failure *why)
{
    struct call *call;

    if (HASH_COUNT(channel->calls) >= CHANNEL_CALLS_MAXIMUM)
        return failure_set(why, FAILURE_PROTOCOL, 0, "more than %d calls at one time", CHANNEL_CALLS_MAXIMUM);
    if (!channel->is_server || frame->kind != FRAME_MESSAGE || frame->call <= channel->last_number)
        return failure_set(why, FAILURE_PROTOCOL, 0, "a frame for call %u, which does not exist", frame->call);
    channel->last_number = frame->call;
    call = call_create(channel, frame->call);
    call->is_handled = true;
    fiber_group_start(&channel->handlers, run_handler, call);
    *call_out = call;
    return true;
}

static bool take_goodbye(struct channel *channel, struct failure *why)
{
    if (channel->is_server)
        return failure_set(why, FAILURE_PROTOCOL, 0, "a goodbye of the client");
    channel->is_leaving = true;
    channel_close_if_left(channel);
    return true;
}

static bool dispatch(struct channel *channel, const struct frame *frame, struct str payload, int fd,
                     struct failure *why)
{
    struct call *call = find_call(channel, frame->call);

    if (frame->kind == FRAME_GOODBYE)
        return take_goodbye(channel, why);
    if (frame->kind == FRAME_MESSAGE && frame->message >= channel->message_count)
        return failure_set(why, FAILURE_PROTOCOL, 0, "message number %u, which \"%s\" has not", frame->message,
                           channel->protocol->name);
    if (call == NULL && !accept_call(channel, frame, &call, why))
        return false;
    return call_take_frame(call, frame, payload, fd, why);
}

static bool read_frame(struct channel *channel, struct failure *why)
{
    struct strbuf large;
    struct frame frame;
    struct str bytes;
    int fd = -1;
    bool is_taken = false;

    if (!stream_read_exact(channel->stream, FRAME_HEADER_SIZE, &bytes, why) || !frame_parse(bytes, &frame, why))
        return false;
    strbuf_init(&large, CHANNEL_FRAME_MAXIMUM);
    if (read_payload(channel, frame.len, &large, &bytes, why)) {
        if (frame.has_fd)
            fd = stream_take_fd(channel->stream);
        is_taken = frame.has_fd && fd < 0 ? failure_set(why, FAILURE_PROTOCOL, 0, "a frame without its descriptor")
                                          : dispatch(channel, &frame, bytes, fd, why);
        if (!is_taken)
            fd_close(&fd);
    }
    strbuf_done(&large);
    return is_taken;
}

/* Until the peer closes between two frames (true) or something breaks. */
static bool read_frames(struct channel *channel, struct failure *why)
{
    while (read_frame(channel, why))
        continue;
    return stream_is_at_end(channel->stream) && stream_buffered(channel->stream).len == 0;
}

static void run_client_reader(void *context)
{
    struct channel *channel = context;
    struct failure why;

    if (read_frames(channel, &why))
        failure_set(&why, FAILURE_RETRY, 0, "the service closed the connection");
    channel_lose(channel, &why);
    channel_release(channel);
}

static bool read_hello(struct stream *stream, const struct protocol *protocol, struct failure *why)
{
    struct str hello;

    return stream_read_exact(stream, FRAME_HELLO_SIZE, &hello, why) && frame_check_hello(hello, protocol, why);
}

static bool write_hello(struct stream *stream, const struct protocol *protocol, struct failure *why)
{
    struct strbuf hello;
    bool is_sent;

    strbuf_init(&hello, FRAME_HELLO_SIZE);
    frame_put_hello(&hello, protocol);
    is_sent = stream_write(stream, strbuf_str(&hello), why) && stream_flush(stream, why);
    strbuf_done(&hello);
    return is_sent;
}

/* ---- the client's side ---- */

static bool open_stream(struct loop *loop, const char *path, const struct protocol *protocol, struct duration timeout,
                        struct stream **stream_out, struct failure *why)
{
    struct stream *stream;
    int fd;

    if (!socket_connect_unix(loop, path, timeout, &fd, why) || !stream_create(loop, fd, timeout, &stream, why))
        return false;
    if (!write_hello(stream, protocol, why) || !read_hello(stream, protocol, why)) {
        stream_destroy(&stream);
        return false;
    }
    *stream_out = stream;
    return true;
}

bool channel_open(struct loop *loop, const char *path, const struct protocol *protocol, struct duration timeout,
                  struct channel **channel_out, struct failure *why)
{
    struct stream *stream;
    struct channel *channel;

    if (!open_stream(loop, path, protocol, timeout, &stream, why))
        return failure_prefix(why, "service %s", path);
    channel = channel_create(loop, stream, protocol);
    channel->references += 2;
    fiber_start(loop, run_client_reader, channel);
    fiber_start(loop, run_writer, channel);
    *channel_out = channel;
    return true;
}

/* ---- the server's side ---- */

void channel_set_init(struct channel_set *set)
{
    *set = (struct channel_set){ .is_draining = false };
    list_init(&set->channels);
}

static void say_goodbye(struct channel *channel)
{
    struct frame frame = { .kind = FRAME_GOODBYE };

    frame_put(&channel->output, &frame);
    channel_output_ready(channel);
}

void channel_set_drain(struct channel_set *set)
{
    if (set->is_draining)
        return;
    set->is_draining = true;
    for (struct list *node = set->channels.next; node != &set->channels; node = node->next)
        say_goodbye(CONTAINER_OF(node, struct channel, set_node));
}

size_t channel_set_calls(const struct channel_set *set)
{
    size_t count = 0;

    for (struct list *node = set->channels.next; node != &set->channels; node = node->next)
        count += HASH_COUNT(CONTAINER_OF(node, struct channel, set_node)->calls);
    return count;
}

static bool serve(struct channel *channel, struct failure *why)
{
    struct failure reason;
    bool is_clean = read_frames(channel, &reason);

    if (is_clean)
        failure_set(&reason, FAILURE_RETRY, 0, "the client closed the connection");
    channel_lose(channel, &reason);
    /* Closed by us, or reset because the peer died: it broke no rule. */
    if (channel->reason.kind != FAILURE_PROTOCOL)
        is_clean = true;
    if (!is_clean && why != NULL)
        *why = channel->reason;
    return is_clean;
}

static void await_handlers(struct channel *channel)
{
    struct channel_set *set = channel->set;
    struct failure ignored;

    if (set != NULL) {
        set->deserted++;
        if (set->has_deserted != NULL)
            set->has_deserted(set->context);
    }
    if (!fiber_group_wait(&channel->handlers, DURATION_FOREVER, &ignored))
        check_failed("a wait without end", __FILE__, __LINE__);
    if (set != NULL)
        set->deserted--;
}

bool channel_serve(struct loop *loop, int fd, const struct protocol *protocol, channel_handler *handler, void *context,
                   struct channel_set *set, struct failure *why)
{
    struct stream *stream;
    struct channel *channel;
    bool is_clean;

    if (!stream_create(loop, fd, seconds(60), &stream, why))
        return false;
    if (!read_hello(stream, protocol, why) || !write_hello(stream, protocol, why)) {
        stream_destroy(&stream);
        return false;
    }
    channel = channel_create(loop, stream, protocol);
    channel->is_server = true;
    channel->handler = handler;
    channel->handler_context = context;
    channel->set = set;
    if (set != NULL) {
        channel->tracer = set->tracer;
        list_append(&set->channels, &channel->set_node);
    }
    channel->references++;
    fiber_start(loop, run_writer, channel);
    if (set != NULL && set->is_draining)
        say_goodbye(channel);
    is_clean = serve(channel, why);
    lose_stopped(channel);
    await_handlers(channel);
    list_remove(&channel->set_node);
    channel->set = NULL;
    channel_release(channel);
    return is_clean;
}
