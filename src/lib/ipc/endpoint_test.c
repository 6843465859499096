/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/channel.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

struct note {
    uint64_t number;
};

static const struct message_field note_fields[] = {
    MESSAGE_FIELD(struct note, number, FIELD_UINT, UINT32_MAX, "of the note"),
};
static MESSAGE_TYPE(note);

static const struct message_type *const note_messages[] = { &note_message, NULL };
static const struct protocol note_protocol = { "note", 1, note_messages };

enum { CLIENTS = 5 };

/* A service that may come late and may drop its connections, and an endpoint to it. */
struct stage {
    struct loop *loop;
    struct arena *arena;
    char path[200];
    int listen_fd;
    struct listener *listener;
    struct channel_set set;
    struct endpoint *endpoint;
    bool drops; /* the connection ends before the answer */
    unsigned connections;
    unsigned ended;
    unsigned asked;
    unsigned answered;
};

static void answer(struct call *call, void *context)
{
    struct stage *stage = context;
    struct arena *arena = arena_create();
    const struct message_type *type;
    struct failure why;
    void *message;

    if (call_receive(call, arena, seconds(10), &type, &message, &why)) {
        stage->asked++;
        if (!stage->drops)
            (void) !call_send(call, &note_message, message, seconds(10), &why);
    }
    arena_destroy(&arena);
}

/* Takes this many connections, one after the other. */
static void serve(struct stage *stage, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct failure why;
        int fd;

        EXPECT(listener_accept(stage->listener, seconds(10), &fd, NULL, &why));
        stage->connections++;
        (void) !channel_serve(stage->loop, fd, &note_protocol, answer, stage, &stage->set, &why);
        stage->ended++;
    }
}

static void serve_one(void *context)
{
    serve(context, 1);
}

static void serve_two(void *context)
{
    serve(context, 2);
}

static bool ask(struct stage *stage, uint64_t number, struct duration timeout, struct failure *why)
{
    const struct note request = { number };
    void *reply;

    if (!endpoint_ask(stage->endpoint, &note_message, &request, &note_message, stage->arena, timeout, &reply, why))
        return false;
    EXPECT_UINT(((struct note *) reply)->number, number);
    stage->answered++;
    return true;
}

static void begin_service(struct stage *stage)
{
    struct failure why;

    EXPECT(socket_listen_unix(stage->path, 10, &stage->listen_fd, &why));
    EXPECT(listener_create(stage->loop, stage->listen_fd, &stage->listener, &why));
}

static void end_service(struct stage *stage)
{
    listener_destroy(&stage->listener);
    fd_close(&stage->listen_fd);
    (void) unlink(stage->path);
}

static struct stage play(void (*scene)(void *context))
{
    struct stage stage = { .loop = loop_create(), .arena = arena_create(), .listen_fd = -1 };

    (void) snprintf(stage.path, sizeof stage.path, "%s/endpoint", unit_directory());
    channel_set_init(&stage.set);
    stage.endpoint = endpoint_create(stage.loop, stage.path, &note_protocol, seconds(10));
    fiber_run(stage.loop, scene, &stage);
    loop_destroy(&stage.loop);
    arena_destroy(&stage.arena);
    return stage;
}

static void come_late(void *context)
{
    struct stage *stage = context;
    struct fiber_group group;
    struct failure why = { 0 };

    EXPECT_FALSE(ask(stage, 1, seconds(10), &why));
    EXPECT_INT(why.kind, FAILURE_RETRY);
    EXPECT(strstr(why.text, stage->path) != NULL);
    begin_service(stage);
    fiber_group_init(&group, stage->loop);
    fiber_group_start(&group, serve_one, stage);
    EXPECT(ask(stage, 2, seconds(10), &why));
    endpoint_destroy(&stage->endpoint);
    EXPECT(fiber_group_wait(&group, seconds(10), &why));
    end_service(stage);
}

TEST(a_service_that_is_not_there_is_a_failure_and_is_reached_when_it_comes)
{
    EXPECT_UINT(play(come_late).answered, 1);
}

static void meet_silence(void *context)
{
    struct stage *stage = context;
    struct failure why = { 0 };

    begin_service(stage);
    endpoint_set_connect_timeout(stage->endpoint, milliseconds(20));
    EXPECT_FALSE(ask(stage, 1, seconds(10), &why));
    EXPECT_INT(why.kind, FAILURE_TIMEOUT);
    endpoint_destroy(&stage->endpoint);
    end_service(stage);
}

TEST(a_service_that_listens_and_says_nothing_is_waited_for_no_longer_than_was_said)
{
    EXPECT_UINT(play(meet_silence).answered, 0);
}

static void ask_from_fiber(void *context)
{
    struct stage *stage = context;
    struct failure why;

    EXPECT(ask(stage, stage->asked, seconds(10), &why));
}

static void ask_together(void *context)
{
    struct stage *stage = context;
    struct fiber_group service, clients;
    struct failure why;

    begin_service(stage);
    fiber_group_init(&service, stage->loop);
    fiber_group_init(&clients, stage->loop);
    fiber_group_start(&service, serve_one, stage);
    for (unsigned i = 0; i < CLIENTS; i++)
        fiber_group_start(&clients, ask_from_fiber, stage);
    EXPECT(fiber_group_wait(&clients, seconds(10), &why));
    endpoint_destroy(&stage->endpoint);
    EXPECT(fiber_group_wait(&service, seconds(10), &why));
    end_service(stage);
}

TEST(those_who_ask_at_one_time_share_a_channel)
{
    struct stage stage = play(ask_together);

    EXPECT_UINT(stage.answered, CLIENTS);
    EXPECT_UINT(stage.connections, 1);
}

static void be_replaced(void *context)
{
    struct stage *stage = context;
    struct fiber_group group;
    struct failure why;

    begin_service(stage);
    fiber_group_init(&group, stage->loop);
    fiber_group_start(&group, serve_two, stage);
    EXPECT(ask(stage, 1, seconds(10), &why));
    /* As a process does that retires; the next one is reached without a word to who asks. */
    channel_set_drain(&stage->set);
    while (stage->ended == 0)
        fiber_yield(stage->loop);
    channel_set_init(&stage->set);
    EXPECT(ask(stage, 2, seconds(10), &why));
    endpoint_destroy(&stage->endpoint);
    EXPECT(fiber_group_wait(&group, seconds(10), &why));
    end_service(stage);
}

TEST(a_service_that_is_replaced_is_asked_again_without_a_failure)
{
    struct stage stage = play(be_replaced);

    EXPECT_UINT(stage.answered, 2);
    EXPECT_UINT(stage.connections, 2);
}

static void get_no_answer(void *context)
{
    struct stage *stage = context;
    struct fiber_group group;
    struct failure why = { 0 };

    begin_service(stage);
    stage->drops = true;
    fiber_group_init(&group, stage->loop);
    fiber_group_start(&group, serve_one, stage);
    EXPECT_FALSE(ask(stage, 1, seconds(10), &why));
    EXPECT(why.text[0] != '\0');
    endpoint_destroy(&stage->endpoint);
    EXPECT(fiber_group_wait(&group, seconds(10), &why));
    end_service(stage);
}

TEST(a_call_that_ends_without_an_answer_is_a_failure_and_is_not_made_again)
{
    struct stage stage = play(get_no_answer);

    EXPECT_UINT(stage.answered, 0);
    EXPECT_UINT(stage.asked, 1);
}
