/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "os/fd.h"
#include "run/loop.h"

/*
 * Credit: a sender may have CALL_WINDOW_BYTES in flight; what has been consumed is granted back in steps of an
 * eighth, and whenever that little is outstanding one message of any size may go, so neither side can wait for ever.
 */
enum { CREDIT_STEP = CALL_WINDOW_BYTES / 8 };

bool call_window_allows(size_t in_flight, size_t cost)
{
    return in_flight <= CREDIT_STEP || in_flight + cost <= CALL_WINDOW_BYTES;
}

struct call *call_create(struct channel *channel, uint32_t number)
{
    struct call *call = memory_alloc(sizeof *call);

    call->channel = channel;
    call->number = number;
    list_init(&call->incoming);
    event_init(&call->input);
    event_init(&call->credit);
    HASH_ADD(hh, channel->calls, number, sizeof call->number, call);
    channel->references++;
    return call;
}

static void drop_incoming(struct call *call)
{
    while (!list_is_empty(&call->incoming)) {
        struct incoming *incoming = CONTAINER_OF(call->incoming.next, struct incoming, node);

        list_remove(&incoming->node);
        if (incoming->fd >= 0)
            fd_close(&incoming->fd);
        memory_free(incoming);
    }
}

void call_release(struct call *call)
{
    struct channel *channel = call->channel;

    if (!call->is_ended || call->is_handled)
        return;
    drop_incoming(call);
    if (!channel->is_lost && !call->is_peer_ended && (call->has_sent || channel->is_server))
        return;
    HASH_DEL(channel->calls, call);
    memory_free(call);
    channel_close_if_left(channel);
    channel_release(channel);
}

void call_lose(struct call *call)
{
    event_wake_all(&call->input);
    event_wake_all(&call->credit);
    call_release(call);
}

static bool queue_message(struct call *call, const struct frame *frame, struct str payload, int fd, struct failure *why)
{
    size_t cost = payload.len + FRAME_HEADER_SIZE;
    struct incoming *incoming;

    if (call->is_peer_ended)
        return failure_set(why, FAILURE_PROTOCOL, 0, "a message after the end of its call");
    if (!call_window_allows(call->unreturned, cost))
        return failure_set(why, FAILURE_PROTOCOL, 0, "a message without credit");
    call->unreturned += cost;
    if (call->is_ended) {
        if (fd >= 0)
            fd_close(&fd);
        return true;
    }
    incoming = memory_resize(NULL, sizeof *incoming + payload.len);
    *incoming = (struct incoming){ 0 };
    incoming->message = frame->message;
    incoming->fd = fd;
    incoming->len = payload.len;
    if (payload.len > 0)
        memcpy(incoming->bytes, payload.data, payload.len);
    list_append(&call->incoming, &incoming->node);
    event_wake_one(&call->input);
    return true;
}

static bool take_credit(struct call *call, uint32_t bytes, struct failure *why)
{
    if (bytes > call->in_flight)
        return failure_set(why, FAILURE_PROTOCOL, 0, "more credit than was in flight");
    call->in_flight -= bytes;
    event_wake_one(&call->credit);
    return true;
}

bool call_take_frame(struct call *call, const struct frame *frame, struct str payload, int fd, struct failure *why)
{
    if (frame->kind == FRAME_CREDIT)
        return take_credit(call, frame_parse_credit(payload), why);
    if (frame->kind == FRAME_MESSAGE)
        return queue_message(call, frame, payload, fd, why);
    call->is_peer_ended = true;
    event_wake_all(&call->input);
    event_wake_all(&call->credit);
    call_release(call);
    return true;
}

struct call *channel_call(struct channel *channel)
{
    CHECK(!channel->is_server);
    /* Numbers do not come again: long before they end, the caller takes a new channel. */
    if (channel->last_number > UINT32_MAX / 2)
        channel->is_leaving = true;
    if (!channel_is_open(channel))
        return NULL;
    return call_create(channel, ++channel->last_number);
}

void call_end(struct call **handle)
{
    struct call *call = *handle;
    struct frame frame = { .kind = FRAME_END };

    *handle = NULL;
    if (call == NULL || call->is_ended)
        return;
    call->is_ended = true;
    if (!call->channel->is_lost && (call->has_sent || call->channel->is_server)) {
        frame.call = call->number;
        frame_put(&call->channel->output, &frame);
        channel_output_ready(call->channel);
    }
    call_release(call);
}

/* ---- sending ---- */

static void trace(const struct call *call, bool is_sent, const struct message_type *type, const void *message)
{
    const struct channel_tracer *tracer = call->channel->tracer;

    if (tracer != NULL)
        tracer->trace(tracer->context, call->channel->protocol, is_sent, type, message);
}

static uint8_t number_of_type(const struct protocol *protocol, const struct message_type *type)
{
    uint8_t number = 0;

    while (protocol->messages[number] != type) {
        CHECK(protocol->messages[number] != NULL); /* type must be one of the protocol's */
        number++;
    }
    return number;
}

static bool call_lost(struct call *call, struct failure *why)
{
    if (call->channel->reason.kind == FAILURE_STOPPED)
        return failure_set(why, FAILURE_STOPPED, 0, "%s: closed", call->channel->protocol->name);
    return failure_set(why, FAILURE_RETRY, 0, "%s: %s", call->channel->protocol->name, call->channel->reason.text);
}

static bool wait_for_credit(struct call *call, size_t cost, struct duration timeout, struct failure *why)
{
    struct loop *loop = call->channel->loop;
    struct instant end = instant_add(loop_now(loop), timeout);

    while (!call_window_allows(call->in_flight, cost)) {
        if (call->channel->is_lost)
            return call_lost(call, why);
        if (call->is_peer_ended)
            return failure_set(why, FAILURE_PROTOCOL, 0, "%s: the peer ended the call", call->channel->protocol->name);
        if (!event_wait(loop, &call->credit, instant_since(end, loop_now(loop)), why))
            return failure_prefix(why, "%s: waiting for the peer to read", call->channel->protocol->name);
    }
    return true;
}

/* Moves the frame just encoded out of the output, waits, and puts it back behind what came meanwhile. */
static bool wait_with_frame(struct call *call, size_t start, struct duration timeout, size_t *start_out,
                            struct failure *why)
{
    struct strbuf *output = &call->channel->output;
    struct strbuf frame;
    bool has_credit;

    strbuf_init(&frame, STRBUF_UNLIMITED);
    strbuf_append(&frame, str_from(strbuf_str(output), start));
    strbuf_truncate(output, start);
    has_credit = wait_for_credit(call, frame.len, timeout, why);
    if (has_credit && call->channel->is_lost)
        has_credit = call_lost(call, why);
    *start_out = output->len;
    if (has_credit)
        strbuf_append(output, strbuf_str(&frame));
    strbuf_done(&frame);
    return has_credit;
}

/*
 * The peer takes rising numbers only. A call made before another may send its first message after that one: it
 * gets the next number then.
 */
static void begin_sending(struct call *call)
{
    struct channel *channel = call->channel;

    if (channel->is_server || call->has_sent)
        return;
    if (call->number < channel->last_number_sent) {
        HASH_DEL(channel->calls, call);
        call->number = ++channel->last_number;
        HASH_ADD(hh, channel->calls, number, sizeof call->number, call);
    }
    channel->last_number_sent = call->number;
}

bool call_send(struct call *call, const struct message_type *type, const void *message, struct duration timeout,
               struct failure *why)
{
    struct channel *channel = call->channel;
    struct strbuf *output = &channel->output;
    size_t start = output->len;
    size_t len;
    int fd;
    struct frame frame = { .kind = FRAME_MESSAGE, .message = number_of_type(channel->protocol, type) };

    CHECK(!call->is_ended);
    if (channel->is_lost)
        return call_lost(call, why);
    begin_sending(call);
    frame.call = call->number;
    frame_put(output, &frame);
    if (!message_encode(type, message, output, &fd, why)) {
        strbuf_truncate(output, start);
        return false;
    }
    len = output->len - start;
    if (len - FRAME_HEADER_SIZE > CHANNEL_FRAME_MAXIMUM) {
        strbuf_truncate(output, start);
        return failure_set(why, FAILURE_PROTOCOL, 0, "%s: too large for a frame", type->name);
    }
    frame_set_len(output, start, (uint32_t) (len - FRAME_HEADER_SIZE));
    /* Now: whoever made the message may take its strings away during the wait. */
    trace(call, true, type, message);
    if (!call_window_allows(call->in_flight, len) && !wait_with_frame(call, start, timeout, &start, why))
        return false;
    if (fd >= 0 && !channel_output_fd(channel, start, fd, why)) {
        strbuf_truncate(output, start);
        return false;
    }
    call->in_flight += len;
    call->has_sent = true;
    channel_output_ready(channel);
    return true;
}

/* ---- receiving ---- */

static void grant_credit(struct call *call)
{
    struct channel *channel = call->channel;

    if (call->consumed == 0 || channel->is_lost || call->is_peer_ended)
        return;
    frame_put_credit(&channel->output, call->number, (uint32_t) call->consumed);
    channel_output_ready(channel);
    call->unreturned -= call->consumed;
    call->consumed = 0;
}

static bool wait_for_message(struct call *call, struct duration timeout, struct failure *why)
{
    struct loop *loop = call->channel->loop;
    struct instant end = instant_add(loop_now(loop), timeout);

    while (list_is_empty(&call->incoming)) {
        if (call->is_peer_ended)
            return failure_set(why, FAILURE_PROTOCOL, 0, "%s: the call has ended", call->channel->protocol->name);
        if (call->channel->is_lost)
            return call_lost(call, why);
        if (!event_wait(loop, &call->input, instant_since(end, loop_now(loop)), why))
            return failure_prefix(why, "%s: waiting for the peer", call->channel->protocol->name);
    }
    return true;
}

static bool decode_incoming(struct call *call, struct incoming *incoming, struct arena *arena,
                            const struct message_type **type_out, void **message_out, struct failure *why)
{
    const struct message_type *type = call->channel->protocol->messages[incoming->message];
    struct failure reason;

    if (message_decode(type, str_make(incoming->bytes, incoming->len), incoming->fd, arena, message_out, &reason)) {
        *type_out = type;
        trace(call, false, type, *message_out);
        return true;
    }
    if (incoming->fd >= 0)
        fd_close(&incoming->fd);
    channel_lose(call->channel, &reason);
    if (why != NULL)
        *why = reason;
    return false;
}

bool call_receive(struct call *call, struct arena *arena, struct duration timeout, const struct message_type **type_out,
                  void **message_out, struct failure *why)
{
    struct incoming *incoming;
    bool is_decoded;

    CHECK(!call->is_ended);
    if (!wait_for_message(call, timeout, why))
        return false;
    incoming = CONTAINER_OF(call->incoming.next, struct incoming, node);
    list_remove(&incoming->node);
    call->consumed += incoming->len + FRAME_HEADER_SIZE;
    if (call->consumed >= CREDIT_STEP)
        grant_credit(call);
    is_decoded = decode_incoming(call, incoming, arena, type_out, message_out, why);
    memory_free(incoming);
    return is_decoded;
}

static void close_descriptors(const struct message_type *type, void *message)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (type->fields[i].type == FIELD_FD)
            fd_close((int *) (void *) ((char *) message + type->fields[i].offset)); /* UNSAFE: the member's offset */
}

bool call_expect(struct call *call, const struct message_type *type, struct arena *arena, struct duration timeout,
                 void **message_out, struct failure *why)
{
    const struct message_type *got;
    struct failure reason;
    void *message;

    if (!call_receive(call, arena, timeout, &got, &message, why))
        return false;
    if (got != type) {
        close_descriptors(got, message);
        failure_set(&reason, FAILURE_PROTOCOL, 0, "%s where %s was due", got->name, type->name);
        channel_lose(call->channel, &reason);
        if (why != NULL)
            *why = reason;
        return false;
    }
    *message_out = message;
    return true;
}

bool call_has_input(const struct call *call)
{
    return !list_is_empty(&call->incoming) || call->is_peer_ended || call->channel->is_lost;
}
