/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/arguments.h"

#include "unit.h"

enum { WORDS_MAXIMUM = 20 };

/* The words of line as master would give them. */
static bool parse_for(const char *program, const char *line, struct arena *arena, struct daemon_arguments *arguments,
                      struct failure *why)
{
    struct strlist words = strlist_split(arena, str_from_c(line), " ");
    char *argv[WORDS_MAXIMUM + 1] = { NULL };

    assert_true(words.count < WORDS_MAXIMUM);
    argv[0] = arena_c(arena, str_from_c(program));
    for (size_t i = 0; i < words.count; i++)
        argv[i + 1] = arena_c(arena, words.items[i]);
    return daemon_arguments_parse((int) words.count + 1, argv, program, arena, arguments, why);
}

static bool parse(const char *line, struct arena *arena, struct daemon_arguments *arguments, struct failure *why)
{
    return parse_for("smtpd", line, arena, arguments, why);
}

TEST(what_master_says_is_taken)
{
    struct arena *arena = arena_create();
    struct daemon_arguments arguments;
    struct failure why;

    EXPECT(parse_for("pipe", "-n 2525 -t inet -c -u -s 3 -o a=b -v -v -o c=d x y", arena, &arguments, &why));
    EXPECT_TEXT(arguments.service, "2525");
    EXPECT_INT(arguments.transport, DAEMON_TRANSPORT_INET);
    EXPECT(arguments.is_chrooted);
    EXPECT(arguments.is_unprivileged);
    EXPECT_FALSE(arguments.is_standalone);
    EXPECT_UINT(arguments.socket_count, 3);
    EXPECT_UINT(arguments.verbose, 2);
    EXPECT_UINT(arguments.overrides.count, 2);
    EXPECT_STR(arguments.overrides.items[1], STR("c=d"));
    EXPECT_UINT(arguments.rest.count, 2);
    EXPECT_STR(arguments.rest.items[0], STR("x"));
    arena_destroy(&arena);
}

TEST(every_transport_has_its_word)
{
    static const struct {
        const char *line;
        enum daemon_transport transport;
    } rows[] = {
        { "-n x", DAEMON_TRANSPORT_UNIX },         { "-n x -t inet", DAEMON_TRANSPORT_INET },
        { "-n x -t unix", DAEMON_TRANSPORT_UNIX }, { "-n x -t fifo", DAEMON_TRANSPORT_FIFO },
        { "-n x -t pass", DAEMON_TRANSPORT_PASS }, { "-n x -t unix-dgram", DAEMON_TRANSPORT_DATAGRAM },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct daemon_arguments arguments;
        struct failure why;

        EXPECT(parse(rows[i].line, arena, &arguments, &why));
        EXPECT_INT(arguments.transport, rows[i].transport);
        EXPECT_UINT(arguments.socket_count, 1);
    }
    arena_destroy(&arena);
}

TEST(alone_a_program_is_its_own_service)
{
    struct arena *arena = arena_create();
    struct daemon_arguments arguments;
    struct failure why;

    EXPECT(parse("-S", arena, &arguments, &why));
    EXPECT(arguments.is_standalone);
    EXPECT_TEXT(arguments.service, "smtpd");
    arena_destroy(&arena);
}

TEST(what_stock_master_gives_beside_is_left_alone)
{
    struct arena *arena = arena_create();
    struct daemon_arguments arguments;
    struct failure why;

    EXPECT(parse("-d -D -l -z -i 5 -m 6 -n x", arena, &arguments, &why));
    EXPECT_UINT(arguments.rest.count, 0);
    arena_destroy(&arena);
}

TEST(a_mistake_is_named)
{
    static const struct {
        const char *line, *reason;
    } rows[] = {
        { "", "no service name (-n): this program is started by master" },
        { "-n", "option -n needs a value" },
        { "-n x -q", "unknown option -q" },
        { "-n x -t tcp", "-t tcp: inet, unix, fifo, pass or unix-dgram was expected" },
        { "-n x -s 0", "-s 0: a number of sockets was expected" },
        { "-n x -s 1001", "-s 1001: a number of sockets was expected" },
        { "-n x -s 2x", "-s 2x: a number of sockets was expected" },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct daemon_arguments arguments = { .service = "untouched" };
        struct failure why;

        EXPECT_FALSE(parse(rows[i].line, arena, &arguments, &why));
        EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
        EXPECT_TEXT(why.text, rows[i].reason);
        EXPECT_TEXT(arguments.service, "untouched");
    }
    arena_destroy(&arena);
}

TEST(words_are_for_programs_that_take_some)
{
    struct arena *arena = arena_create();
    struct daemon_arguments arguments;
    struct failure why;

    EXPECT_FALSE(parse("-n 2525 -o a=b, reject", arena, &arguments, &why));
    EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
    EXPECT_TEXT(why.text, "unexpected command-line argument: reject");
    EXPECT(parse_for("smtp", "-n relay flags=D", arena, &arguments, &why));
    EXPECT(parse_for("one-of-a-test", "-n x word", arena, &arguments, &why));
    arena_destroy(&arena);
}
