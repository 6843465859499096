/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel.h"

#include "ipc/frame.h"
#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

struct note {
    uint64_t number;
    struct str text;
    int fd;
};

static const struct message_field note_fields[] = {
    MESSAGE_FIELD(struct note, number, FIELD_UINT, UINT32_MAX, "of the note"),
    MESSAGE_FIELD(struct note, text, FIELD_STR, 1 << 20, "what it says"),
    MESSAGE_FIELD(struct note, fd, FIELD_FD, 0, "something to read"),
};
static MESSAGE_TYPE(note);

struct other {
    uint64_t number;
};

static const struct message_field other_fields[] = {
    MESSAGE_FIELD(struct other, number, FIELD_UINT, 10, "of nothing"),
};
static MESSAGE_TYPE(other);

static const struct message_type *const note_messages[] = { &note_message, &other_message, NULL };
static const struct protocol note_protocol = { "note", 1, note_messages };
static const struct protocol newer_protocol = { "note", 2, note_messages };

/* One service at a socket of its own, a loop, and a client that runs in a fiber. */
struct stage {
    struct loop *loop;
    char path[200];
    int listen_fd;
    struct listener *listener;
    channel_handler *handler;
    struct channel_set set;
    struct failure server_failure;
    bool is_clean;
    void (*client)(struct stage *stage);
    struct arena *arena;
    size_t handled;
    struct event reached;
};

static void serve_one(void *context)
{
    struct stage *stage = context;
    struct failure why;
    int fd;

    EXPECT(listener_accept(stage->listener, seconds(10), &fd, NULL, &why));
    stage->is_clean =
        channel_serve(stage->loop, fd, &note_protocol, stage->handler, stage, &stage->set, &stage->server_failure);
}

static void run_stage(void *context)
{
    struct stage *stage = context;
    struct fiber_group group;
    struct failure why;

    fiber_group_init(&group, stage->loop);
    fiber_group_start(&group, serve_one, stage);
    stage->client(stage);
    EXPECT(fiber_group_wait(&group, seconds(10), &why));
}

static struct stage play(channel_handler *handler, void (*client)(struct stage *stage))
{
    struct stage stage = { .handler = handler, .client = client, .loop = loop_create(), .arena = arena_create() };
    struct failure why;

    snprintf(stage.path, sizeof stage.path, "%s/socket", unit_directory());
    channel_set_init(&stage.set);
    event_init(&stage.reached);
    EXPECT(socket_listen_unix(stage.path, 10, &stage.listen_fd, &why));
    EXPECT(listener_create(stage.loop, stage.listen_fd, &stage.listener, &why));
    fiber_run(stage.loop, run_stage, &stage);
    listener_destroy(&stage.listener);
    fd_close(&stage.listen_fd);
    loop_destroy(&stage.loop);
    arena_destroy(&stage.arena);
    return stage;
}

static void echo(struct call *call, void *context)
{
    struct stage *stage = context;
    struct arena *arena = arena_create();
    const struct message_type *type;
    struct failure why;
    void *message;

    while (call_receive(call, arena, seconds(10), &type, &message, &why)) {
        struct note *note = message;

        stage->handled++;
        if (!call_send(call, &note_message, note, seconds(10), &why))
            break;
        fd_close(&note->fd);
        arena_reset(arena);
    }
    arena_destroy(&arena);
}

static struct channel *open_to(struct stage *stage)
{
    struct channel *channel = NULL;
    struct failure why;

    EXPECT(channel_open(stage->loop, stage->path, &note_protocol, seconds(10), &channel, &why));
    return channel;
}

static void send_note(struct call *call, uint64_t number, struct str text)
{
    struct note note = { .number = number, .text = text, .fd = -1 };
    struct failure why;

    EXPECT(call_send(call, &note_message, &note, seconds(10), &why));
}

static struct note *expect_note(struct stage *stage, struct call *call, uint64_t number)
{
    struct failure why = { 0 };
    void *message = NULL;

    EXPECT(call_expect(call, &note_message, stage->arena, seconds(10), &message, &why));
    EXPECT_UINT(((struct note *) message)->number, number);
    return message;
}

static void talk_on_two_calls(struct stage *stage)
{
    struct channel *channel = open_to(stage);
    struct call *one = channel_call(channel);
    struct call *two = channel_call(channel);

    send_note(one, 1, STR("one"));
    send_note(two, 2, STR("two"));
    send_note(one, 3, STR(""));
    EXPECT_STR(expect_note(stage, two, 2)->text, STR("two"));
    EXPECT_STR(expect_note(stage, one, 1)->text, STR("one"));
    EXPECT_STR(expect_note(stage, one, 3)->text, STR(""));
    call_end(&one);
    call_end(&two);
    EXPECT(one == NULL);
    channel_close(&channel);
}

TEST(calls_on_one_channel_do_not_mix)
{
    struct stage stage = play(echo, talk_on_two_calls);

    EXPECT(stage.is_clean);
    EXPECT_UINT(stage.handled, 3);
}

static void send_large(struct stage *stage)
{
    enum { LARGE = 300000 };
    struct channel *channel = open_to(stage);
    struct call *call = channel_call(channel);
    char *text = arena_alloc(stage->arena, LARGE);

    memset(text, 'x', LARGE);
    for (uint64_t i = 0; i < 20; i++) {
        send_note(call, i, str_make(text, LARGE));
        EXPECT_UINT(expect_note(stage, call, i)->text.len, LARGE);
        arena_reset(stage->arena);
        text = arena_alloc(stage->arena, LARGE);
    }
    call_end(&call);
    channel_close(&channel);
}

static void start_in_reverse(struct stage *stage)
{
    struct channel *channel;
    struct call *calls[3];
    struct failure why;
    void *message;

    EXPECT(channel_open(stage->loop, stage->path, &note_protocol, seconds(10), &channel, &why));
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++)
        calls[i] = channel_call(channel);
    for (size_t i = ARRAY_COUNT(calls); i-- > 0;) {
        struct note note = { .number = i, .fd = -1 };

        EXPECT(call_send(calls[i], &note_message, &note, seconds(10), &why));
    }
    for (size_t i = 0; i < ARRAY_COUNT(calls); i++) {
        EXPECT(call_expect(calls[i], &note_message, stage->arena, seconds(10), &message, &why));
        EXPECT_UINT(((struct note *) message)->number, i);
        call_end(&calls[i]);
    }
    channel_close(&channel);
}

TEST(calls_may_send_in_another_order_than_they_were_made)
{
    struct stage stage = play(echo, start_in_reverse);

    EXPECT(stage.is_clean);
}

TEST(a_message_larger_than_the_window_passes)
{
    struct stage stage = play(echo, send_large);

    EXPECT_UINT(stage.handled, 20);
}

static void never_read(struct call *call, void *context)
{
    struct stage *stage = context;
    struct failure why;

    (void) call;
    EXPECT(event_wait(stage->loop, &stage->reached, seconds(10), &why));
}

static void count_sent(void *context, const struct protocol *protocol, bool is_sent, const struct message_type *type,
                       const void *message)
{
    size_t *traced = context;

    (void) protocol;
    (void) message;
    if (is_sent && type == &note_message)
        ++*traced;
}

static void send_until_blocked(struct stage *stage)
{
    struct channel *channel = open_to(stage);
    struct call *stuck = channel_call(channel);
    size_t traced = 0;
    const struct channel_tracer tracer = { count_sent, &traced };
    char text[8000] = "";
    struct note note = { .text = { text, sizeof text }, .fd = -1 };
    struct failure why;
    size_t sent = 0;

    channel_set_tracer(channel, &tracer);
    while (call_send(stuck, &note_message, &note, milliseconds(20), &why))
        sent++;
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    /* The last one was shown before its wait, while its strings were there for sure. */
    EXPECT_UINT(traced, sent + 1);
    EXPECT(sent >= 7 && sent <= 9);
    event_wake_all(&stage->reached);
    call_end(&stuck);
    channel_close(&channel);
}

TEST(a_receiver_that_does_not_read_stops_the_sender_at_the_window)
{
    play(never_read, send_until_blocked);
}

static void pass_descriptors(struct stage *stage)
{
    struct channel *channel = open_to(stage);
    struct call *call = channel_call(channel);
    struct failure why;
    char byte;
    int ends[2];

    EXPECT(fd_pipe(ends, &why));
    for (uint64_t i = 0; i < 3; i++) {
        struct note note = { .number = i, .text = STR("read this"), .fd = ends[0] };

        send_note(call, 100 + i, STR("no descriptor"));
        EXPECT(call_send(call, &note_message, &note, seconds(10), &why));
    }
    EXPECT_INT(write(ends[1], "abc", 3), 3);
    for (uint64_t i = 0; i < 3; i++) {
        struct note *note;

        EXPECT_INT(expect_note(stage, call, 100 + i)->fd, -1);
        note = expect_note(stage, call, i);
        EXPECT_INT(read(note->fd, &byte, 1), 1);
        EXPECT_INT(byte, "abc"[i]);
        fd_close(&note->fd);
    }
    fd_close(&ends[0]);
    fd_close(&ends[1]);
    call_end(&call);
    channel_close(&channel);
}

TEST(descriptors_arrive_with_their_message)
{
    play(echo, pass_descriptors);
}

static void open_as_newer(struct stage *stage)
{
    struct channel *channel;
    struct failure why;

    EXPECT_FALSE(channel_open(stage->loop, stage->path, &newer_protocol, seconds(10), &channel, &why));
}

TEST(another_version_is_turned_away)
{
    struct stage stage = play(echo, open_as_newer);

    EXPECT_FALSE(stage.is_clean);
    EXPECT_TEXT(stage.server_failure.text, "the peer speaks \"note\" version 2, not \"note\" version 1");
}

static void speak_raw(struct stage *stage, struct str frame)
{
    struct strbuf bytes;
    struct stream *stream;
    struct failure why;
    struct str rest;
    int fd;

    strbuf_init(&bytes, 1000);
    frame_put_hello(&bytes, &note_protocol);
    strbuf_append(&bytes, frame);
    EXPECT(socket_connect_unix(stage->loop, stage->path, seconds(10), &fd, &why));
    EXPECT(stream_create(stage->loop, fd, seconds(10), &stream, &why));
    EXPECT(stream_write(stream, strbuf_str(&bytes), &why) && stream_flush(stream, &why));
    while (stream_read_some(stream, 1000, &rest, &why))
        continue;
    stream_destroy(&stream);
    strbuf_done(&bytes);
}

static void send_unknown_message(struct stage *stage)
{
    speak_raw(stage, STR("\1\0\0\0\1\0\0\0\0\x09\0\0x"));
}

static void send_malformed_message(struct stage *stage)
{
    speak_raw(stage, STR("\1\0\0\0\1\0\0\0\0\0\0\0x"));
}

static void send_end_of_nothing(struct stage *stage)
{
    speak_raw(stage, STR("\0\0\0\0\1\0\0\0\1\0\0\0"));
}

static void send_huge_frame(struct stage *stage)
{
    speak_raw(stage, STR("\1\0\0\x7f\1\0\0\0\0\0\0\0x"));
}

static void announce_descriptor(struct stage *stage)
{
    speak_raw(stage, STR("\1\0\0\0\1\0\0\0\0\0\1\0x"));
}

TEST(what_the_table_does_not_allow_ends_the_channel)
{
    static const struct {
        void (*client)(struct stage *stage);
        const char *reason;
    } cases[] = {
        { send_unknown_message, "message number 9, which \"note\" has not" },
        { send_malformed_message, "note.text: missing, malformed or too large" },
        { send_end_of_nothing, "a frame for call 1, which does not exist" },
        { send_huge_frame, "frame of kind 0 with 2130706433 bytes" },
        { announce_descriptor, "a frame without its descriptor" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct stage stage = play(echo, cases[i].client);

        EXPECT_FALSE(stage.is_clean);
        EXPECT_TEXT(stage.server_failure.text, cases[i].reason);
    }
}

static void hold_call(struct call *call, void *context)
{
    struct arena *arena = arena_create();
    struct failure why;
    void *message;

    (void) context;
    EXPECT(call_expect(call, &note_message, arena, seconds(10), &message, &why));
    EXPECT_FALSE(call_expect(call, &note_message, arena, seconds(10), &message, &why));
    EXPECT_INT(why.kind, FAILURE_RETRY);
    arena_destroy(&arena);
}

static void vanish_in_a_call(struct stage *stage)
{
    struct channel *channel = open_to(stage);
    struct call *call = channel_call(channel);
    struct failure why;
    void *message;

    send_note(call, 1, STR("bye"));
    fiber_sleep(stage->loop, milliseconds(5));
    channel_close(&channel);
    EXPECT_FALSE(call_expect(call, &note_message, stage->arena, seconds(1), &message, &why));
    EXPECT_INT(why.kind, FAILURE_STOPPED);
    call_end(&call);
}

TEST(a_lost_connection_ends_the_calls_on_it)
{
    play(hold_call, vanish_in_a_call);
}

static void drain_during_a_call(struct stage *stage)
{
    struct channel *channel = open_to(stage);
    struct call *call = channel_call(channel);
    struct call *late;

    send_note(call, 1, STR("a"));
    expect_note(stage, call, 1);
    channel_set_drain(&stage->set);
    /* Begun before the goodbye was heard: finished like the other. */
    late = channel_call(channel);
    send_note(late, 3, STR("c"));
    send_note(call, 2, STR("b"));
    expect_note(stage, call, 2);
    EXPECT_FALSE(channel_is_open(channel));
    EXPECT(channel_call(channel) == NULL);
    call_end(&call);
    channel_leave(&channel);
    expect_note(stage, late, 3);
    call_end(&late);
}

TEST(a_draining_service_asks_its_clients_to_leave_and_finishes_all_calls)
{
    struct stage stage = play(echo, drain_during_a_call);

    EXPECT(stage.is_clean);
    EXPECT_UINT(stage.handled, 3);
}

static void drain_before_the_first_call(struct stage *stage)
{
    struct channel *channel;
    struct call *call;

    channel_set_drain(&stage->set);
    channel = open_to(stage);
    call = channel_call(channel);
    send_note(call, 1, STR("a"));
    expect_note(stage, call, 1);
    EXPECT_FALSE(channel_is_open(channel));
    call_end(&call);
    channel_leave(&channel);
}

TEST(a_client_that_connects_to_a_draining_service_is_served)
{
    struct stage stage = play(echo, drain_before_the_first_call);

    EXPECT(stage.is_clean);
    EXPECT_UINT(stage.handled, 1);
}

static void drain_idle(struct stage *stage)
{
    struct channel *channel = open_to(stage);

    channel_set_drain(&stage->set);
    while (channel_is_open(channel))
        fiber_sleep(stage->loop, milliseconds(1));
    channel_close(&channel);
}

TEST(an_idle_client_leaves_a_draining_service_at_once)
{
    struct stage stage = play(echo, drain_idle);

    EXPECT(stage.is_clean);
}

static void ask_by_endpoint(struct stage *stage)
{
    struct endpoint *endpoint = endpoint_create(stage->loop, stage->path, &note_protocol, seconds(10));
    struct note note = { .number = 5, .text = STR("?"), .fd = -1 };
    struct failure why;
    void *reply;

    for (int i = 0; i < 3; i++) {
        EXPECT(endpoint_ask(endpoint, &note_message, &note, &note_message, stage->arena, seconds(10), &reply, &why));
        EXPECT_UINT(((struct note *) reply)->number, 5);
    }
    EXPECT_FALSE(endpoint_ask(endpoint, &note_message, &note, &other_message, stage->arena, seconds(10), &reply, &why));
    EXPECT_INT(why.kind, FAILURE_PROTOCOL);
    endpoint_destroy(&endpoint);
}

TEST(an_endpoint_keeps_its_channel_and_checks_replies)
{
    struct stage stage = play(echo, ask_by_endpoint);

    EXPECT_UINT(stage.handled, 4);
}
