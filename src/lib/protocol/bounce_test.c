/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/bounce.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"

#include "unit.h"

#include <stdio.h>

/* A service and its client on one loop. What the service makes of a request is told in the reply's reason. */
struct stage {
    struct loop *loop;
    struct arena *arena;
    char path[200];
    struct listener *listener;
    size_t count; /* of recipients to ask with */
    struct str told;
    unsigned calls;
    bool is_forgetful; /* the service closes the first channel without an answer */
    bool is_answered;
};

/* "1000 in order". */
static struct str describe(const struct records *recipients, struct arena *arena)
{
    const struct bounce_recipient *items = recipients->items;

    for (size_t i = 0; i < recipients->count; i++) {
        if (items[i].dsn_notify != i % 8 || !str_equal(items[i].address, arena_printf(arena, "u%zu@x.test", i)))
            return arena_printf(arena, "%zu, wrong from %zu on", recipients->count, i);
    }
    return arena_printf(arena, "%zu in order", recipients->count);
}

static void handle(struct call *call, void *context)
{
    struct stage *stage = context;
    struct arena *arena = arena_create();
    struct records recipients;
    struct failure why;
    void *request;

    stage->calls++;
    if (call_expect(call, &bounce_request_message, arena, seconds(10), &request, &why) &&
        bounce_take_recipients(call, request, arena, seconds(10), &recipients, &why)) {
        struct bounce_reply reply = { .is_done = true, .reason = describe(&recipients, arena) };

        EXPECT(call_send(call, &bounce_reply_message, &reply, seconds(10), &why));
    }
    arena_destroy(&arena);
}

static void serve(void *context)
{
    struct stage *stage = context;
    struct failure why;
    int fd;

    EXPECT(listener_accept(stage->listener, seconds(10), &fd, NULL, &why));
    if (stage->is_forgetful) {
        stage->is_forgetful = false;
        fd_close(&fd);
        EXPECT(listener_accept(stage->listener, seconds(10), &fd, NULL, &why));
    }
    EXPECT(channel_serve(stage->loop, fd, &bounce_protocol, handle, stage, NULL, &why));
}

static void ask(struct stage *stage)
{
    struct endpoint *endpoint = endpoint_create(stage->loop, stage->path, &bounce_protocol, seconds(10));
    struct bounce_recipient *items = arena_new_array(stage->arena, stage->count, struct bounce_recipient);
    struct bounce_request request = { .queue_id = STR("ABC"), .content_fd = -1, .recipients = { items, stage->count } };
    const struct bounce_reply *reply;
    struct failure why;

    for (size_t i = 0; i < stage->count; i++) {
        items[i].address = arena_printf(stage->arena, "u%zu@x.test", i);
        items[i].dsn_notify = i % 8;
    }
    stage->is_answered = bounce_ask(endpoint, &request, stage->arena, seconds(10), &reply, &why);
    if (stage->is_answered)
        stage->told = reply->reason;
    endpoint_destroy(&endpoint);
}

static void run_stage(void *context)
{
    struct stage *stage = context;
    struct fiber_group group;

    fiber_group_init(&group, stage->loop);
    fiber_group_start(&group, serve, stage);
    ask(stage);
    EXPECT(fiber_group_wait(&group, seconds(10), NULL));
}

static void play(size_t count, bool is_forgetful, const char *expected)
{
    struct stage stage = {
        .loop = loop_create(), .arena = arena_create(), .count = count, .is_forgetful = is_forgetful
    };
    struct failure why;
    int fd;

    snprintf(stage.path, sizeof stage.path, "%s/bounce", unit_directory());
    EXPECT(socket_listen_unix(stage.path, 10, &fd, &why));
    EXPECT(listener_create(stage.loop, fd, &stage.listener, &why));
    fiber_run(stage.loop, run_stage, &stage);
    EXPECT(stage.is_answered);
    EXPECT_STR(stage.told, str_from_c(expected));
    EXPECT_UINT(stage.calls, 1);
    listener_destroy(&stage.listener);
    fd_close(&fd);
    loop_destroy(&stage.loop);
    arena_destroy(&stage.arena);
}

TEST(all_recipients_arrive_however_many_messages_they_take)
{
    play(1, false, "1 in order");
    play(BOUNCE_RECIPIENTS_MAXIMUM, false, "400 in order");
    play(BOUNCE_RECIPIENTS_MAXIMUM + 1, false, "401 in order");
    play(5 * BOUNCE_RECIPIENTS_MAXIMUM - 1, false, "1999 in order");
}

TEST(a_channel_that_closed_under_the_request_is_opened_anew)
{
    play(1000, true, "1000 in order");
}
