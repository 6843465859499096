/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsproxy/relay.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "unit.h"

/* client - outside | relay | inside - service */
struct scene {
    struct loop *loop;
    struct stream *client, *outside, *inside, *service;
    struct duration idle;
    bool is_over;
    void (*play)(struct scene *scene);
};

static void join(struct scene *scene, struct stream **one, struct stream **other)
{
    int fds[2];

    EXPECT(socket_pair(fds, NULL));
    EXPECT(stream_create(scene->loop, fds[0], seconds(20), one, NULL));
    EXPECT(stream_create(scene->loop, fds[1], seconds(20), other, NULL));
}

static void run_relay(void *context)
{
    struct scene *scene = context;

    relay_run(scene->outside, scene->inside, scene->idle);
    scene->is_over = true;
    stream_destroy(&scene->outside);
    stream_destroy(&scene->inside);
}

static void run_scene(void *context)
{
    struct scene *scene = context;
    struct fiber_group group;

    join(scene, &scene->client, &scene->outside);
    join(scene, &scene->inside, &scene->service);
    fiber_group_init(&group, scene->loop);
    fiber_group_start(&group, run_relay, scene);
    scene->play(scene);
    stream_destroy(&scene->service);
    EXPECT(fiber_group_wait(&group, seconds(20), NULL));
    stream_destroy(&scene->client);
}

static void with_relay(struct duration idle, void (*play)(struct scene *scene))
{
    struct scene scene = { .loop = loop_create(), .idle = idle, .play = play };

    fiber_run(scene.loop, run_scene, &scene);
    loop_destroy(&scene.loop);
}

static void say(struct stream *stream, const char *text)
{
    EXPECT(stream_write(stream, str_from_c(text), NULL));
    EXPECT(stream_flush(stream, NULL));
}

static void expect(struct stream *stream, const char *text)
{
    struct str line = STR_EMPTY;

    EXPECT(stream_read_line(stream, 100, &line, NULL));
    EXPECT_STR(line, str_from_c(text));
}

static void expect_end(struct stream *stream)
{
    struct str line;

    EXPECT_FALSE(stream_read_line(stream, 100, &line, NULL));
    EXPECT(stream_is_at_end(stream));
}

static void talk(struct scene *scene)
{
    say(scene->client, "EHLO x\n");
    expect(scene->service, "EHLO x\n");
    say(scene->service, "250 x\n");
    expect(scene->client, "250 x\n");
}

TEST(each_side_hears_the_other)
{
    with_relay(seconds(20), talk);
}

static void last_words(struct scene *scene)
{
    say(scene->service, "221 bye\n");
    stream_destroy(&scene->service);
    expect(scene->client, "221 bye\n");
    expect_end(scene->client);
}

TEST(what_the_service_wrote_before_it_closed_arrives)
{
    with_relay(seconds(20), last_words);
}

static void leave(struct scene *scene)
{
    say(scene->client, "QUIT\n");
    EXPECT(stream_end_writing(scene->client, NULL));
    expect(scene->service, "QUIT\n");
    expect_end(scene->service);
    EXPECT_FALSE(scene->is_over);
    say(scene->service, "221 bye\n");
    expect(scene->client, "221 bye\n");
}

TEST(a_client_that_ended_its_side_still_hears_the_answer)
{
    with_relay(seconds(20), leave);
}

static void be_silent(struct scene *scene)
{
    expect_end(scene->service);
    expect_end(scene->client);
    EXPECT(scene->is_over);
}

TEST(nothing_for_the_idle_time_ends_it)
{
    with_relay(milliseconds(20), be_silent);
}

static void write_much(void *context)
{
    struct scene *scene = context;
    static char much[1 << 20];

    EXPECT(stream_write(scene->client, str_make(much, sizeof much), NULL));
    EXPECT(stream_flush(scene->client, NULL));
}

static void fill_both(struct scene *scene)
{
    struct fiber_group group;
    struct str piece;
    size_t total = 0;

    fiber_group_init(&group, scene->loop);
    fiber_group_start(&group, write_much, scene);
    say(scene->service, "250 x\n");
    expect(scene->client, "250 x\n");
    while (total < 1 << 20 && stream_read_some(scene->service, 65536, &piece, NULL))
        total += piece.len;
    EXPECT_UINT(total, 1 << 20);
    EXPECT(fiber_group_wait(&group, seconds(20), NULL));
}

TEST(one_direction_does_not_wait_for_the_other)
{
    with_relay(seconds(20), fill_both);
}
