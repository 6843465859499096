/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/agent.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

enum { MOST_REPLIES = 3 };

/* One delivery agent whose census goes as the test says, and a pool that finds it. */
struct stage {
    struct loop *loop;
    char path[200];
    int listen_fd;
    struct listener *listener;
    struct agent_pool *pool;
    /* the agent's: what it has in hand in each reply, and how many outcomes it tells */
    size_t in_hand[MOST_REPLIES];
    size_t unrecorded[MOST_REPLIES];
    size_t reply_count;
    bool is_fresh;
    size_t allowed;    /* replies after the first */
    struct event next; /* one more is allowed */
    unsigned confirmed;
    unsigned connections;
    void (*scene)(void *context);
    /* the pool's */
    unsigned told;
    unsigned ended; /* censuses */
    unsigned ready;
    unsigned unavailable;
    struct event changed;
};

static void send_reply(struct stage *stage, struct call *call, size_t number, struct arena *arena)
{
    struct deliver_in_hand *in_hand = arena_new_array(arena, stage->in_hand[number] + 1, struct deliver_in_hand);
    struct deliver_outcome *outcomes = arena_new_array(arena, stage->unrecorded[number] + 1, struct deliver_outcome);
    struct deliver_census_reply reply = { .capacity = 2,
                                          .is_fresh = stage->is_fresh,
                                          .in_hand = { in_hand, stage->in_hand[number] },
                                          .unrecorded = { outcomes, stage->unrecorded[number] } };
    struct failure why;
    void *message;

    for (size_t i = 0; i < stage->in_hand[number]; i++)
        in_hand[i] = (struct deliver_in_hand){ .queue_id = STR("1234567890AB"), .attempt = 1 };
    for (size_t i = 0; i < stage->unrecorded[number]; i++)
        outcomes[i] = (struct deliver_outcome){ .queue_id = STR("1234567890AB"), .number = i + 1 };
    EXPECT(call_send(call, &deliver_census_reply_message, &reply, seconds(10), &why));
    if (stage->unrecorded[number] > 0 &&
        call_expect(call, &deliver_recorded_message, arena, seconds(10), &message, &why))
        stage->confirmed += (unsigned) ((struct deliver_recorded *) message)->number;
}

static void answer(struct call *call, void *context)
{
    struct stage *stage = context;
    struct arena *arena = arena_create();
    struct failure why;
    void *message;

    EXPECT(call_expect(call, &deliver_census_message, arena, seconds(10), &message, &why));
    for (size_t i = 0; i < stage->reply_count; i++) {
        while (stage->allowed < i)
            EXPECT(event_wait(stage->loop, &stage->next, seconds(10), &why));
        send_reply(stage, call, i, arena);
    }
    arena_destroy(&arena);
}

static void serve(void *context)
{
    struct stage *stage = context;
    struct failure why;
    int fd;

    while (listener_accept(stage->listener, seconds(20), &fd, NULL, &why)) {
        stage->connections++;
        (void) !channel_serve(stage->loop, fd, &deliver_protocol, answer, stage, NULL, &why);
    }
}

static bool take_census(void *context, void **teller, const struct deliver_census_reply *reply, struct failure *why)
{
    struct stage *stage = context;

    (void) why;
    *teller = stage;
    stage->told += (unsigned) reply->unrecorded.count;
    event_wake_all(&stage->changed);
    return true;
}

static void end_census(void *context, void **teller)
{
    struct stage *stage = context;

    EXPECT(*teller == NULL || *teller == stage);
    *teller = NULL;
    stage->ended++;
}

static void take_ready(void *context)
{
    struct stage *stage = context;

    stage->ready++;
    event_wake_all(&stage->changed);
}

static void take_unavailable(void *context, const struct failure *why)
{
    struct stage *stage = context;

    EXPECT(why->text[0] != '\0');
    stage->unavailable++;
    event_wake_all(&stage->changed);
}

static void wait_ready(struct stage *stage, unsigned count)
{
    struct failure why;

    while (stage->ready < count)
        EXPECT(event_wait(stage->loop, &stage->changed, seconds(10), &why));
}

static void run(void *context)
{
    struct stage *stage = context;
    struct fiber_group service;
    struct failure why;

    fiber_group_init(&service, stage->loop);
    if (stage->listener != NULL)
        fiber_group_start(&service, serve, stage);
    stage->scene(stage);
    if (stage->listener != NULL)
        listener_abort(stage->listener);
    EXPECT(fiber_group_wait(&service, seconds(10), &why));
}

static void play(struct stage *stage, void (*scene)(void *context), bool is_there)
{
    const struct agent_events events = { take_census, end_census, take_ready, take_unavailable, stage };
    struct failure why;

    stage->loop = loop_create();
    (void) snprintf(stage->path, sizeof stage->path, "%s/agent", unit_directory());
    event_init(&stage->next);
    event_init(&stage->changed);
    stage->listen_fd = -1;
    if (is_there) {
        EXPECT(socket_listen_unix(stage->path, 10, &stage->listen_fd, &why));
        EXPECT(listener_create(stage->loop, stage->listen_fd, &stage->listener, &why));
    }
    stage->scene = scene;
    stage->pool = agent_pool_create(stage->loop, stage->path, 3, seconds(10), &events);
    fiber_run(stage->loop, run, stage);
    listener_destroy(&stage->listener);
    fd_close(&stage->listen_fd);
    (void) unlink(stage->path);
    loop_destroy(&stage->loop);
}

static void meet(void *context)
{
    struct stage *stage = context;
    struct agent *agents[2];

    EXPECT(agent_pool_take(stage->pool) == NULL);
    wait_ready(stage, 1);
    EXPECT_UINT(stage->told, 2);
    for (size_t i = 0; i < 2; i++) {
        agents[i] = agent_pool_take(stage->pool);
        EXPECT(agents[i] != NULL);
    }
    EXPECT(agent_pool_take(stage->pool) == NULL);
    EXPECT(agent_pool_is_busy(stage->pool));
    for (size_t i = 0; i < 2; i++)
        agent_give_back(agents[i]);
    agent_pool_destroy(&stage->pool);
}

TEST(a_channel_opens_with_the_census_and_then_takes_what_the_agent_can)
{
    struct stage stage = { .reply_count = 1, .unrecorded = { 2 } };

    play(&stage, meet, true);
    EXPECT_UINT(stage.confirmed, 2);
}

static void allow_next(struct stage *stage)
{
    stage->allowed++;
    event_wake_all(&stage->next);
}

static void inherit(void *context)
{
    struct stage *stage = context;
    EXPECT(agent_pool_take(stage->pool) == NULL);
    wait_ready(stage, 1);
    EXPECT_UINT(agent_pool_inherited(stage->pool), 2);
    EXPECT(agent_pool_take(stage->pool) == NULL);
    agent_pool_close_idle(stage->pool, (struct duration){ 0 });
    EXPECT_UINT(agent_pool_inherited(stage->pool), 2);
    allow_next(stage);
    while (agent_pool_inherited(stage->pool) == 2)
        fiber_yield(stage->loop);
    EXPECT_UINT(agent_pool_inherited(stage->pool), 1);
    EXPECT_UINT(stage->told, 1);
    allow_next(stage);
    while (agent_pool_inherited(stage->pool) > 0 || stage->ended == 0)
        fiber_yield(stage->loop);
    EXPECT_UINT(stage->ended, 1);
    EXPECT_UINT(stage->told, 2);
    agent_give_back(agent_pool_take(stage->pool));
    agent_pool_destroy(&stage->pool);
}

TEST(what_an_agent_does_for_an_earlier_queue_manager_takes_room_until_it_has_ended)
{
    struct stage stage = { .reply_count = 3, .in_hand = { 2, 1, 0 }, .unrecorded = { 0, 1, 1 } };

    play(&stage, inherit, true);
    EXPECT_UINT(stage.confirmed, 2);
}

static void open_all(void *context)
{
    struct stage *stage = context;
    agent_pool_open_all(stage->pool, seconds(10));
    agent_pool_destroy(&stage->pool);
}

TEST(after_a_process_that_is_fresh_no_other_is_looked_for)
{
    struct stage stage = { .reply_count = 1, .is_fresh = true };

    play(&stage, open_all, true);
    EXPECT_UINT(stage.connections, 1);
}

static void call_in_vain(void *context)
{
    struct stage *stage = context;
    struct failure why;

    EXPECT(agent_pool_take(stage->pool) == NULL);
    while (stage->unavailable == 0)
        EXPECT(event_wait(stage->loop, &stage->changed, seconds(10), &why));
    EXPECT_FALSE(agent_pool_is_busy(stage->pool));
    agent_pool_destroy(&stage->pool);
}

TEST(a_transport_that_cannot_be_reached_is_told_of)
{
    struct stage stage = { 0 };

    play(&stage, call_in_vain, false);
    EXPECT_UINT(stage.unavailable, 1);
}
