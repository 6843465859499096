/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_server.h"

#include "os/fd.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "unit.h"

#include <stdio.h>

#define HELLO "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tCRAM-MD5\tdictionary\tactive\nSPID\t7\nDONE\n"

/* A server in the same loop, that says one thing to whoever connects, and one to each question. */
struct stage {
    struct loop *loop;
    char path[200];
    const char *hello;  /* NULL: closes */
    const char *answer; /* # is the number of the exchange; NULL: closes; "": says nothing */
    bool keeps;
    bool hangs; /* it will say nothing where it should: that is not waited for long */
    void (*act)(struct stage *stage, struct auth_server *server);
    struct listener *listener;
    struct fiber_group fibers;
    struct arena *arena;
    struct stream *streams[20];
    unsigned connections, questions;
    char asked[400]; /* the last question */
};

struct visit {
    struct stage *stage;
    struct stream *stream;
};

static void answer(struct stage *stage, struct stream *stream, struct str question)
{
    struct arena *arena = arena_create();
    struct auth_line line;
    struct str rest = str_from_c(stage->answer), part;
    bool has_more;

    snprintf(stage->asked, sizeof stage->asked, "%.*s", STR_ARG(question));
    auth_line_parse(&line, str_trim_right(question), arena);
    stage->questions++;
    do {
        has_more = str_cut(rest, '#', &part, &rest);
        EXPECT(stream_write(stream, part, NULL) && (!has_more || stream_write(stream, line.fields[0], NULL)));
    } while (has_more);
    (void) !stream_flush(stream, NULL);
    arena_destroy(&arena);
}

static void serve(void *context)
{
    struct visit *visit = context;
    struct stage *stage = visit->stage;
    struct str line;

    if (stage->hello != NULL && stream_write(visit->stream, str_from_c(stage->hello), NULL) &&
        stream_flush(visit->stream, NULL)) {
        while (stream_read_line(visit->stream, AUTH_LINE_MAXIMUM, &line, NULL)) {
            if (!str_starts_with(line, STR("AUTH")) && !str_starts_with(line, STR("CONT")))
                continue;
            if (stage->answer == NULL)
                break;
            answer(stage, visit->stream, line);
        }
    }
    stream_destroy(&visit->stream);
}

static void accept_all(void *context)
{
    struct stage *stage = context;
    int fd;

    while (listener_accept(stage->listener, seconds(60), &fd, NULL, NULL)) {
        struct visit *visit = arena_new(stage->arena, struct visit);

        stage->connections++;
        visit->stage = stage;
        EXPECT(stream_create(stage->loop, fd, seconds(60), &visit->stream, NULL));
        fiber_group_start(&stage->fibers, serve, visit);
    }
}

static void play(void *context)
{
    struct stage *stage = context;
    struct auth_server_options options = {
        .loop = stage->loop,
        .place = str_from_c(stage->path),
        .title = "auth socket",
        .timeout = stage->hangs ? milliseconds(100) : seconds(60),
        .greeting_timeout = stage->hello != NULL && strlen(stage->hello) > 60 ? seconds(60) : milliseconds(100),
        .keeps_connections = stage->keeps,
    };
    struct auth_server *server;
    int fd;

    EXPECT(socket_listen_unix(stage->path, 10, &fd, NULL));
    EXPECT(listener_create(stage->loop, fd, &stage->listener, NULL));
    fiber_group_init(&stage->fibers, stage->loop);
    fiber_group_start(&stage->fibers, accept_all, stage);
    EXPECT(auth_server_create(&options, &server, NULL));
    stage->act(stage, server);
    auth_server_destroy(&server);
    listener_abort(stage->listener);
    EXPECT(fiber_group_wait(&stage->fibers, seconds(60), NULL));
    listener_destroy(&stage->listener);
    fd_close(&fd);
}

static void run(struct stage *stage, void (*act)(struct stage *stage, struct auth_server *server))
{
    snprintf(stage->path, sizeof stage->path, "%s/auth", unit_directory());
    stage->loop = loop_create();
    stage->arena = arena_create();
    stage->act = act;
    fiber_run(stage->loop, play, stage);
    arena_destroy(&stage->arena);
    loop_destroy(&stage->loop);
}

static bool begin(struct auth_server *server, struct auth_exchange **exchange_out, struct auth_answer *answer_out,
                  struct failure *why)
{
    const struct auth_request request = {
        .mechanism = STR("PLAIN"),
        .service = STR("smtp"),
        .local_address = STR("127.0.0.1"),
        .remote_address = STR("192.0.2.1"),
        .is_secured = true,
        .has_initial = true,
        .initial = STR("AAAA"),
    };

    *exchange_out = auth_exchange_create(server);
    return auth_exchange_start(*exchange_out, &request, answer_out, why);
}

/* ---- what answers come to ---- */

static const struct {
    const char *answer;
    const char *outcome; /* "+user", "-reason", "!" for the server's trouble, ">challenge", "?" where there is none */
} answers[] = {
    { "OK\t#\tuser=bob\n", "+bob" },
    { "FAIL\t0\tuser=eve\n\nNOTE\nOK\t#\tuser=bob\n", "+bob" },
    { "FAIL\t#\tuser=bob\treason=no \001tway\n", "-no \tway" },
    { "FAIL\t#\n", "-" },
    { "FAIL\t#\ttemp\n", "-!" },
    { "FAIL\t#\tcode=temp_fail\treason=x\n", "-x!" },
    { "OK\t#\n", "-Authentication backend error!" },
    { "OK\t#\tuser=\n", "-Authentication backend error!" },
    { "OK\t#\tuser=a\001nb\n", "-Authentication backend error!" },
    { "CONT\t#\n", "-Authentication backend error!" },
    { "CONT\t#\tno base64\n", "-Authentication backend error!" },
    { "CONT\t#\tQUJD\n", ">QUJD" },
    { "CONT\t#\t\n", ">" },
    { "OK\n", "?" },
    { "FAIL\tx\n", "?" },
    { "OK\t99\tuser=eve\n", "?" },
    { NULL, "?" },
    { "OK\t#\tuser=bob", "?" }, /* and no line end: a time-out */
    { "", "?" },
};

static void check_answer(struct stage *stage, struct auth_server *server)
{
    size_t i = 0;
    struct auth_exchange *exchange;
    struct auth_answer said;
    struct failure why;
    char text[200] = "?";

    while (answers[i].answer != stage->answer)
        i++;
    if (begin(server, &exchange, &said, &why)) {
        struct str shown = said.outcome == AUTH_GRANTED      ? said.username
                           : said.outcome == AUTH_CHALLENGED ? said.challenge
                                                             : said.reason;

        snprintf(text, sizeof text, "%c%.*s%s",
                 said.outcome == AUTH_GRANTED      ? '+'
                 : said.outcome == AUTH_CHALLENGED ? '>'
                                                   : '-',
                 STR_ARG(shown), said.is_servers_trouble ? "!" : "");
    }
    EXPECT_TEXT(text, answers[i].outcome);
    if (stage->questions > 0)
        EXPECT_TEXT(stage->asked,
                    "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.1\tsecured\tresp=AAAA\n");
    auth_exchange_end(&exchange);
}

TEST(an_answer_is_a_login_a_refusal_a_challenge_or_none)
{
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        struct stage stage = { .hello = HELLO, .answer = answers[i].answer, .hangs = answers[i].outcome[0] == '?' };

        run(&stage, check_answer);
    }
}

/* ---- connections ---- */

static void have_two_exchanges(struct stage *stage, struct auth_server *server)
{
    struct auth_exchange *exchange;
    struct auth_answer said;
    struct failure why;

    for (unsigned i = 0; i < 2; i++) {
        EXPECT(begin(server, &exchange, &said, &why));
        auth_exchange_end(&exchange);
    }
    EXPECT_UINT(stage->connections, stage->keeps ? 1 : 2);
    EXPECT_UINT(stage->questions, 2);
}

TEST(connections_are_kept_where_that_is_wanted)
{
    struct stage keeping = { .hello = HELLO, .answer = "OK\t#\tuser=bob\n", .keeps = true };
    struct stage fresh = { .hello = HELLO, .answer = "OK\t#\tuser=bob\n" };

    run(&keeping, have_two_exchanges);
    run(&fresh, have_two_exchanges);
}

static void break_one_off(struct stage *stage, struct auth_server *server)
{
    struct auth_exchange *exchange;
    struct auth_answer said;
    struct failure why;

    EXPECT(begin(server, &exchange, &said, &why));
    EXPECT_INT(said.outcome, AUTH_CHALLENGED);
    EXPECT(auth_exchange_reply(exchange, STR("QUJD"), &said, &why));
    EXPECT_TEXT(stage->asked, "CONT\t1\tQUJD\n");
    auth_exchange_end(&exchange);
    EXPECT(begin(server, &exchange, &said, &why));
    auth_exchange_end(&exchange);
    EXPECT_UINT(stage->connections, 2);
}

TEST(an_exchange_that_is_broken_off_leaves_nothing_to_the_next)
{
    struct stage stage = { .hello = HELLO, .answer = "CONT\t#\tQUJD\n", .keeps = true };

    run(&stage, break_one_off);
}

static void answer_forever(struct stage *stage, struct auth_server *server)
{
    struct auth_exchange *exchange;
    struct auth_answer said;
    struct failure why;

    EXPECT(begin(server, &exchange, &said, &why));
    while (auth_exchange_reply(exchange, STR("QUJD"), &said, &why))
        EXPECT(stage->questions < 1000);
    EXPECT_INT(why.kind, FAILURE_PROTOCOL);
    auth_exchange_end(&exchange);
}

TEST(an_exchange_is_bounded)
{
    struct stage stage = { .hello = HELLO, .answer = "CONT\t#\tQUJD\n", .keeps = true };

    run(&stage, answer_forever);
}

/* ---- handshakes ---- */

static void ask_for_mechanisms(struct stage *stage, struct auth_server *server)
{
    struct auth_mechanisms mechanisms;
    struct failure why;

    EXPECT(auth_server_mechanisms(server, stage->arena, &mechanisms, &why));
    EXPECT_UINT(mechanisms.count, 2);
    EXPECT_STR(mechanisms.items[1].name, STR("CRAM-MD5"));
    EXPECT_UINT(mechanisms.items[1].traits, AUTH_IS_DICTIONARY | AUTH_IS_ACTIVE);
    EXPECT(auth_server_mechanisms(server, stage->arena, &mechanisms, &why));
    EXPECT_UINT(stage->connections, 1);
}

TEST(mechanisms_are_those_of_the_handshake)
{
    struct stage stage = { .hello = HELLO, .keeps = true };
    struct stage fresh = { .hello = HELLO };

    run(&stage, ask_for_mechanisms);
    run(&fresh, ask_for_mechanisms);
}

static void ask_in_vain(struct stage *stage, struct auth_server *server)
{
    struct auth_mechanisms mechanisms;
    struct failure why;

    EXPECT_FALSE(auth_server_mechanisms(server, stage->arena, &mechanisms, &why));
    EXPECT(why.kind != FAILURE_NONE);
    if (stage->hello != NULL && strstr(stage->hello, "\t2\t") != NULL)
        EXPECT_TEXT(why.text, "Protocol version mismatch (2 vs. 1)");
    EXPECT_FALSE(auth_server_mechanisms(server, stage->arena, &mechanisms, &why));
    EXPECT_INT(why.kind, FAILURE_NONE);
    EXPECT_UINT(stage->connections, 1);
}

TEST(a_server_that_does_not_shake_hands_is_left_alone_for_a_while)
{
    static const char *const hellos[] = { NULL, "", "VERSION\t1\t0\nMECH\tPLAIN\n", "VERSION\t2\t0\nDONE\n" };

    for (size_t i = 0; i < ARRAY_COUNT(hellos); i++) {
        struct stage stage = { .hello = hellos[i], .keeps = true };

        run(&stage, ask_in_vain);
    }
}

static void read_forever(struct stage *stage, struct auth_server *server)
{
    struct auth_mechanisms mechanisms;
    struct failure why;

    EXPECT_FALSE(auth_server_mechanisms(server, stage->arena, &mechanisms, &why));
    EXPECT_INT(why.kind, FAILURE_PROTOCOL);
}

TEST(a_handshake_is_bounded_in_lines_and_their_length)
{
    static char lines[400 * 5 + 1], line[AUTH_LINE_MAXIMUM + 2];
    struct stage many = { .hello = lines }, one = { .hello = line };

    for (size_t i = 0; i < 400; i++)
        memcpy(lines + 5 * i, "NOTE\n", 5);
    memset(line, 'x', sizeof line - 2);
    line[sizeof line - 2] = '\n';
    run(&many, read_forever);
    run(&one, read_forever);
}

TEST(a_place_is_a_path_or_a_port)
{
    static const struct {
        const char *place;
        bool is_good;
    } rows[] = {
        { "private/auth", true },
        { "unix:private/auth", true },
        { "inet:127.0.0.1:12345", true },
        { "inet:[::1]:24", true },
        { "inet::24", true },
        { "inet:localhost", false },
        { "inet:a:b:nosuch", false },
        { "", false },
        { "unix:", false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct auth_server_options options = { .place = str_from_c(rows[i].place), .title = "x" };
        struct auth_server *server = NULL;
        struct failure why;

        EXPECT_INT(auth_server_create(&options, &server, &why), rows[i].is_good);
        auth_server_destroy(&server);
    }
}
