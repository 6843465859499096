/* SPDX-License-Identifier: Apache-2.0 */
#include "table/remote.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "table/table.h"
#include "unit.h"

#include <stdio.h>

/* A server of socketmap: tables in the same loop. A key that begins with "slow" waits until another key came. */
struct stage {
    struct loop *loop;
    struct arena *arena;
    struct listener *listener;
    struct table_set *set;
    struct table *table;
    struct fiber_group fibers;
    struct event other_came;
    unsigned connections;
    unsigned questions;
    bool has_other;
    char trace[64];
};

struct visit {
    struct stage *stage;
    int fd;
};

static bool answer(struct stage *stage, struct stream *stream)
{
    struct failure why;
    struct str byte;
    char question[100];
    size_t len = 0;

    do {
        if (!stream_read_exact(stream, 1, &byte, &why) || len + 1 >= sizeof(question))
            return false;
        question[len++] = byte.data[0];
    } while (byte.data[0] != ',');
    question[len] = '\0';
    stage->questions++;
    if (strstr(question, " lost") != NULL && stage->questions == 1)
        return false;
    while (strstr(question, " slow") != NULL && !stage->has_other)
        EXPECT(event_wait(stage->loop, &stage->other_came, seconds(20), NULL));
    if (strstr(question, " quick") != NULL) {
        stage->has_other = true;
        event_wake_all(&stage->other_came);
    }
    return stream_write(stream, STR("4:OK x,"), &why) && stream_flush(stream, &why);
}

static void serve(void *context)
{
    struct visit *visit = context;
    struct stage *stage = visit->stage;
    struct stream *stream;

    EXPECT(stream_create(stage->loop, visit->fd, seconds(20), &stream, NULL));
    while (answer(stage, stream))
        ;
    stream_destroy(&stream);
}

static void accept_all(void *context)
{
    struct stage *stage = context;
    int fd;

    while (listener_accept(stage->listener, seconds(60), &fd, NULL, NULL)) {
        struct visit *visit = arena_new(stage->arena, struct visit);

        stage->connections++;
        *visit = (struct visit){ stage, fd };
        fiber_group_start(&stage->fibers, serve, visit);
    }
}

static void ask(struct stage *stage, const char *key, char mark)
{
    struct arena *arena = arena_create();
    struct str value;
    struct failure why;
    size_t len;

    EXPECT_INT(table_lookup(stage->table, str_from_c(key), arena, &value, &why), TABLE_FOUND);
    EXPECT_STR(value, STR("x"));
    arena_destroy(&arena);
    len = strlen(stage->trace);
    stage->trace[len] = mark;
}

static void ask_slow(void *context)
{
    ask(context, "slow", 's');
}

static void play(struct stage *stage, void (*act)(void *context))
{
    char path[200];
    int fd;
    struct table_set_options options = { 0 };

    *stage = (struct stage){ .loop = loop_create(), .arena = arena_create() };
    options.loop = stage->loop;
    fiber_group_init(&stage->fibers, stage->loop);
    event_init(&stage->other_came);
    snprintf(path, sizeof(path), "%s/socketmap", unit_directory());
    EXPECT(socket_listen_unix(path, 10, &fd, NULL));
    EXPECT(listener_create(stage->loop, fd, &stage->listener, NULL));
    stage->set = table_set_create(&options);
    EXPECT(table_open(stage->set, arena_printf(stage->arena, "socketmap:unix:%s:name", path), TABLE_FOLD, &stage->table,
                      NULL));
    EXPECT_INT(table_kind_of(stage->table), TABLE_PATTERN);
    fiber_run(stage->loop, act, stage);
    loop_destroy(&stage->loop);
    fd_close(&fd);
    arena_destroy(&stage->arena);
}

/* Ends what play() began, within its loop. */
static void end(struct stage *stage)
{
    table_set_destroy(&stage->set);
    listener_abort(stage->listener);
    EXPECT(fiber_group_wait(&stage->fibers, seconds(20), NULL));
    listener_destroy(&stage->listener);
}

static void ask_slow_and_quick(void *context)
{
    struct stage *stage = context;
    struct fiber_group askers;

    fiber_group_init(&askers, stage->loop);
    fiber_group_start(&stage->fibers, accept_all, stage);
    fiber_group_start(&askers, ask_slow, stage);
    fiber_yield(stage->loop);
    ask(stage, "quick", 'q');
    EXPECT(fiber_group_wait(&askers, seconds(20), NULL));
    ask(stage, "later", 'l');
    end(stage);
}

TEST(a_slow_question_holds_up_no_other_and_connections_are_kept)
{
    struct stage stage;

    play(&stage, ask_slow_and_quick);
    EXPECT_TEXT(stage.trace, "qsl");
    EXPECT_UINT(stage.connections, 2);
}

static void ask_lost(void *context)
{
    struct stage *stage = context;

    fiber_group_start(&stage->fibers, accept_all, stage);
    ask(stage, "lost", 'l');
    end(stage);
}

TEST(a_question_that_a_lost_connection_took_is_asked_again)
{
    struct stage stage;

    play(&stage, ask_lost);
    EXPECT_UINT(stage.questions, 2);
    EXPECT_UINT(stage.connections, 2);
}

TEST(places_are_hosts_and_ports)
{
    struct remote_place place;

    EXPECT(remote_place_parse(STR("127.0.0.1:25"), &place));
    EXPECT_STR(place.host, STR("127.0.0.1"));
    EXPECT_STR(place.port, STR("25"));
    EXPECT(remote_place_parse(STR("[::1]:25"), &place));
    EXPECT_STR(place.host, STR("::1"));
    EXPECT(remote_place_parse(STR("smtp"), &place));
    EXPECT_STR(place.host, STR("localhost"));
    EXPECT_STR(place.port, STR("smtp"));
    EXPECT_FALSE(remote_place_parse(STR("host:"), &place));
    EXPECT_FALSE(remote_place_parse(STR(""), &place));
}
