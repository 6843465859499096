/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/milter.h"

#include "base/strbuf.h"
#include "milter/packet.h"
#include "milter/service.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A scene: milters that answer each command by a script, one text of packets' bodies a letter ("c" without one; NULL:
 * silence), and remember the letters that they heard.
 */
enum { MILTERS = 2 };

struct fake {
    struct scene *scene;
    struct stream *stream;
    const char *script[128];
    size_t lengths[128];
    char heard[1000];
    char data[128][200]; /* of the last packet with that letter */
    size_t data_lengths[128];
    bool is_absent;
    struct duration delay; /* before each answer */
};

struct scene {
    struct loop *loop;
    struct arena *arena;
    struct milter_settings settings;
    struct milter_service items[MILTERS];
    struct milter_services services;
    struct fake fakes[MILTERS];
    struct fiber_group group;
    struct milters *milters;
    void (*play)(struct scene *scene);
};

static void script(struct fake *fake, char letter, const char *packets, size_t length)
{
    fake->script[(int) letter] = packets;
    fake->lengths[(int) letter] = length;
}

#define SCRIPT(fake, letter, packets) script((fake), (letter), (packets), sizeof(packets) - 1)
#define NEGOTIATION(version, steps) "\0\0\0\x0dO\0\0\0" version "\0\0\1\xff" steps
#define PACKET(length, data) "\0\0\0" length data

static void answer(struct fake *fake, char letter)
{
    static const char packet[] = "\0\0\0\1c", negotiation[] = NEGOTIATION("\6", "\0\0\0\0");
    struct str said = str_make(packet, 5);

    if (fake->lengths[(int) letter] > 0)
        said = str_make(fake->script[(int) letter], fake->lengths[(int) letter]);
    else if (letter == 'O')
        said = str_make(negotiation, sizeof negotiation - 1);
    if (strchr("ADQ", letter) == NULL && fake->script[(int) letter] != (const char *) fake)
        EXPECT(stream_write(fake->stream, said, NULL) && stream_flush(fake->stream, NULL));
}

static void serve(void *context)
{
    struct fake *fake = context;
    struct str head, packet;
    uint32_t length;

    while (stream_read_exact(fake->stream, 4, &head, NULL) && milter_packet_length(head.data, &length, NULL) &&
           stream_read_exact(fake->stream, length, &packet, NULL)) {
        unsigned letter = (unsigned char) packet.data[0];
        size_t used = strlen(fake->heard);

        EXPECT(letter < 128 && used < sizeof fake->heard - 1);
        if (letter != 'D')
            fake->heard[used] = (char) letter;
        fake->data_lengths[letter] = packet.len - 1 < 200 ? packet.len - 1 : 200;
        memcpy(fake->data[letter], packet.data + 1, fake->data_lengths[letter]);
        if (fake->lengths[letter] == 5 && memcmp(fake->script[letter], "close", 5) == 0)
            break;
        if (fake->delay.us > 0)
            fiber_sleep(fake->scene->loop, fake->delay);
        answer(fake, (char) letter);
    }
    stream_destroy(&fake->stream);
}

static bool dial(void *context, const struct milter_service *service, int *fd_out, struct failure *why)
{
    struct scene *scene = context;
    struct fake *fake = &scene->fakes[service - scene->items];
    int fds[2];

    if (fake->is_absent)
        return failure_set(why, FAILURE_RETRY, 0, "not there");
    EXPECT(socket_pair(fds, why) && stream_create(scene->loop, fds[1], seconds(20), &fake->stream, why));
    fake->scene = scene;
    fiber_group_start(&scene->group, serve, fake);
    *fd_out = fds[0];
    return true;
}

static bool find_macro(void *context, struct str name, struct strbuf *value)
{
    (void) context;
    if (str_equal(name, STR("i")))
        return strbuf_append(value, STR("4BCD"));
    return str_equal(name, STR("empty"));
}

static void run(void *context)
{
    struct scene *scene = context;

    scene->play(scene);
    milters_destroy(&scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
}

static void begin(struct scene *scene)
{
    const struct milters_options options = {
        .loop = scene->loop,
        .settings = &scene->settings,
        .dial = dial,
        .dial_context = scene,
        .macro = find_macro,
    };

    scene->milters = milters_create(&options, &scene->services);
}

static void with_milters(size_t count, void (*prepare)(struct scene *scene), void (*play)(struct scene *scene))
{
    struct scene *scene = calloc(1, sizeof *scene);

    scene->loop = loop_create();
    scene->arena = arena_create();
    scene->play = play;
    scene->settings = (struct milter_settings){ .data_macros = STR("i {empty} {none} {given}"),
                                                .end_of_data_macros = STR("i"),
                                                .macro_defaults = STR("{given}=x {other = y z}") };
    for (size_t i = 0; i < count; i++)
        scene->items[i] = (struct milter_service){ .name = STR("inet:fake"),
                                                   .connect_timeout = seconds(20),
                                                   .command_timeout = seconds(20),
                                                   .content_timeout = seconds(20),
                                                   .default_action = MILTER_DEFAULT_TEMPFAIL,
                                                   .version = 6 };
    scene->services = (struct milter_services){ scene->items, count };
    fiber_group_init(&scene->group, scene->loop);
    if (prepare != NULL)
        prepare(scene);
    begin(scene);
    fiber_run(scene->loop, run, scene);
    loop_destroy(&scene->loop);
    arena_destroy(&scene->arena);
    free(scene);
}

static struct milter_verdict greet(struct scene *scene)
{
    const struct milter_client client = { .name = STR("c.example"), .address = STR("192.0.2.1"), .port = 258 };

    return milters_connect(scene->milters, &client, scene->arena);
}

static struct milter_verdict mail(struct scene *scene, struct str argument)
{
    struct strlist arguments = { 0 };

    strlist_add(&arguments, scene->arena, argument);
    return milters_mail(scene->milters, &arguments, scene->arena);
}

static struct milter_verdict rcpt(struct scene *scene, struct str argument)
{
    struct strlist arguments = { 0 };

    strlist_add(&arguments, scene->arena, argument);
    strlist_add(&arguments, scene->arena, STR("NOTIFY=NEVER"));
    return milters_rcpt(scene->milters, &arguments, scene->arena);
}

static void say_the_envelope(struct scene *scene)
{
    EXPECT_INT(greet(scene).action, MILTER_CONTINUE);
    EXPECT_INT(milters_helo(scene->milters, STR("h"), scene->arena).action, MILTER_CONTINUE);
    EXPECT_INT(mail(scene, STR("<a@b>")).action, MILTER_CONTINUE);
    EXPECT_INT(rcpt(scene, STR("<c@d>")).action, MILTER_CONTINUE);
    EXPECT_INT(milters_data(scene->milters, scene->arena).action, MILTER_CONTINUE);
}

/* ---- events ---- */

static void play_envelope(struct scene *scene)
{
    struct fake *fake = &scene->fakes[0];

    say_the_envelope(scene);
    milters_abort(scene->milters);
    milters_quit(scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
    EXPECT_TEXT(fake->heard, "OCHMRTAQ");
    EXPECT_STR(str_make(fake->data['O'], fake->data_lengths['O']), str_make("\0\0\0\6\0\0\1\xff\0\x1f\xff\xff", 12));
    EXPECT_STR(str_make(fake->data['C'], fake->data_lengths['C']), str_make("c.example\0004\1\002192.0.2.1", 23));
    EXPECT_STR(str_make(fake->data['R'], fake->data_lengths['R']), str_make("<c@d>\0NOTIFY=NEVER", 19));
    EXPECT_STR(str_make(fake->data['D'], fake->data_lengths['D']), str_make("Ti\0004BCD\0{empty}\0\0{given}\0x", 27));
}

TEST(a_milter_hears_of_the_session_and_of_the_message)
{
    with_milters(1, NULL, play_envelope);
}

static void prepare_refusals(struct scene *scene)
{
    SCRIPT(&scene->fakes[1], 'M', PACKET("\1", "t"));
    SCRIPT(&scene->fakes[0], 'R', PACKET("\x10", "y550 5.7.1 no go"));
}

static void play_refusals(struct scene *scene)
{
    struct milter_verdict verdict;

    EXPECT_INT(greet(scene).action, MILTER_CONTINUE);
    verdict = mail(scene, STR("<a@b>"));
    EXPECT_INT(verdict.action, MILTER_REJECT);
    EXPECT_STR(verdict.reply, STR("451 4.7.1 Service unavailable - try again later"));
    EXPECT(verdict.where == milters_at(scene->milters, 1));
    milters_abort(scene->milters);
    SCRIPT(&scene->fakes[1], 'M', PACKET("\1", "c"));
    EXPECT_INT(mail(scene, STR("<a@b>")).action, MILTER_CONTINUE);
    verdict = rcpt(scene, STR("<c@d>"));
    EXPECT_STR(verdict.reply, STR("550 5.7.1 no go"));
    milters_quit(scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
    EXPECT_TEXT(scene->fakes[0].heard, "OCMAMRAQ");
    /* It never hears of a recipient that the one before it refused. */
    EXPECT_TEXT(scene->fakes[1].heard, "OCMAMAQ");
}

TEST(several_milters_are_asked_and_the_first_refusal_holds)
{
    with_milters(2, prepare_refusals, play_refusals);
}

static void prepare_session_verdicts(struct scene *scene)
{
    SCRIPT(&scene->fakes[0], 'C', PACKET("\1", "a"));
    SCRIPT(&scene->fakes[1], 'H', PACKET("\1", "r"));
}

static void play_session_verdicts(struct scene *scene)
{
    EXPECT_INT(greet(scene).action, MILTER_CONTINUE);
    EXPECT_STR(milters_helo(scene->milters, STR("h"), scene->arena).reply, STR("550 5.7.1 Command rejected"));
    EXPECT_STR(mail(scene, STR("<a@b>")).reply, STR("550 5.7.1 Command rejected"));
    milters_quit(scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
    EXPECT_TEXT(scene->fakes[0].heard, "OCQ");
    EXPECT_TEXT(scene->fakes[1].heard, "OCHQ");
}

TEST(what_is_said_at_connect_or_helo_holds_for_the_session)
{
    with_milters(2, prepare_session_verdicts, play_session_verdicts);
}

static void prepare_steps(struct scene *scene)
{
    /* no HELO, no answer to CONNECT */
    SCRIPT(&scene->fakes[0], 'O', NEGOTIATION("\6", "\0\0\x10\2"));
    scene->fakes[0].script['C'] = (const char *) &scene->fakes[0];
    SCRIPT(&scene->fakes[1], 'O', NEGOTIATION("\2", "\0\0\0\0"));
}

static void play_steps(struct scene *scene)
{
    say_the_envelope(scene);
    EXPECT_INT(milters_unknown(scene->milters, STR("FOO"), scene->arena).action, MILTER_CONTINUE);
    milters_quit(scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
    EXPECT_TEXT(scene->fakes[0].heard, "OCMRTUAQ");
    EXPECT_TEXT(scene->fakes[1].heard, "OCHMRAQ");
}

TEST(a_milter_is_spared_what_it_does_not_want_and_what_its_version_does_not_know)
{
    with_milters(2, prepare_steps, play_steps);
}

/* ---- trouble ---- */

struct trouble {
    const char *packets;
    size_t length;
};

static const struct trouble troubles[] = {
    { "\0\0\0\0", 4 }, { "\xff\xff\xff\xffz", 5 }, { "\0\0\0\1z", 5 },     { "\0\0\0\2cx", 6 },
    { "close", 5 },    { "\0\0\0\1f", 5 },         { "\0\0\0\4hX\0y", 8 }, { "\0\0\0\1c\0\0\0\1c", 10 },
};
static size_t trouble;

static void prepare_trouble(struct scene *scene)
{
    static const enum milter_default actions[] = { MILTER_DEFAULT_ACCEPT, MILTER_DEFAULT_REJECT,
                                                   MILTER_DEFAULT_TEMPFAIL, MILTER_DEFAULT_QUARANTINE,
                                                   MILTER_DEFAULT_SHUTDOWN };

    scene->items[0].default_action = actions[trouble % ARRAY_COUNT(actions)];
    script(&scene->fakes[0], 'M', troubles[trouble / ARRAY_COUNT(actions)].packets,
           troubles[trouble / ARRAY_COUNT(actions)].length);
}

static void play_trouble(struct scene *scene)
{
    static const struct {
        enum milter_action action;
        const char *reply;
    } expected[] = {
        { MILTER_CONTINUE, "" },
        { MILTER_REJECT, "550 5.5.0 Service unavailable" },
        { MILTER_REJECT, "451 4.7.1 Service unavailable - try again later" },
        { MILTER_HOLD, "" },
        { MILTER_SHUTDOWN, "421 4.7.0 Server closing connection" },
    };
    struct milter_verdict verdict;

    EXPECT_INT(greet(scene).action, MILTER_CONTINUE);
    (void) mail(scene, STR("<a@b>"));
    verdict = rcpt(scene, STR("<c@d>"));
    EXPECT_INT(verdict.action, expected[scene->items[0].default_action].action);
    EXPECT_STR(verdict.reply, str_from_c(expected[scene->items[0].default_action].reply));
    EXPECT(milter_is_broken(milters_at(scene->milters, 0)));
    EXPECT_FALSE(milter_wants_content(milters_at(scene->milters, 0)));
    milters_quit(scene->milters);
}

TEST(whatever_a_milter_does_its_default_action_stands_for_it)
{
    for (trouble = 0; trouble < 5 * ARRAY_COUNT(troubles); trouble++)
        with_milters(1, prepare_trouble, play_trouble);
}

static void prepare_absence(struct scene *scene)
{
    scene->fakes[0].is_absent = true;
    scene->items[1].trouble = STR("bad protocol information: 9");
    scene->items[1].default_action = MILTER_DEFAULT_ACCEPT;
}

static void play_absence(struct scene *scene)
{
    struct milter_verdict verdict = greet(scene);

    EXPECT_STR(verdict.reply, STR("451 4.7.1 Service unavailable - try again later"));
    EXPECT_STR(mail(scene, STR("<a@b>")).reply, verdict.reply);
}

TEST(a_milter_that_is_not_there_has_its_default_action)
{
    with_milters(2, prepare_absence, play_absence);
}

static void prepare_misconfigured(struct scene *scene)
{
    scene->items[0].trouble = STR("bad protocol information: 9");
    scene->items[0].default_action = MILTER_DEFAULT_ACCEPT;
}

static void play_misconfigured(struct scene *scene)
{
    EXPECT_STR(greet(scene).reply, STR("451 4.3.5 Server configuration problem - try again later"));
}

TEST(with_a_mistake_in_main_cf_nothing_passes)
{
    with_milters(1, prepare_misconfigured, play_misconfigured);
}

/* ---- content ---- */

static struct milter_verdict say_the_content(struct scene *scene, struct milter *milter, struct strbuf *changes)
{
    struct milter_change change;

    EXPECT_INT(milter_header(milter, STR("Subject"), STR(" a\n\tb"), scene->arena).action, MILTER_CONTINUE);
    EXPECT_INT(milter_end_of_headers(milter, scene->arena).action, MILTER_CONTINUE);
    EXPECT_INT(milter_body(milter, STR("one\ntw"), scene->arena).action, MILTER_CONTINUE);
    EXPECT_INT(milter_body(milter, STR("o\n"), scene->arena).action, MILTER_CONTINUE);
    milter_end_of_message(milter);
    for (;;) {
        milter_next_change(milter, scene->arena, &change);
        if (change.kind == MILTER_CHANGE_NONE)
            return change.verdict;
        strbuf_printf(changes, "%d:%u:%.*s%.*s%.*s%.*s%.*s%.*s;", change.kind, change.index, STR_ARG(change.name),
                      STR_ARG(change.value), STR_ARG(change.address), STR_ARG(change.arguments), STR_ARG(change.bytes),
                      STR_ARG(change.reason));
    }
}

static void prepare_changes(struct scene *scene)
{
    SCRIPT(&scene->fakes[0], 'E',
           PACKET("\5", "hX\0y\0") PACKET("\1", "p") PACKET("\4", "ba\r\n") PACKET("\2", "b\r") PACKET("\2", "b\n")
               PACKET("\2", "b\r") PACKET("\5", "qbad\0") PACKET("\1", "c"));
}

static void play_changes(struct scene *scene)
{
    struct strbuf changes;

    strbuf_init(&changes, 10000);
    say_the_envelope(scene);
    EXPECT_INT(say_the_content(scene, milters_at(scene->milters, 0), &changes).action, MILTER_CONTINUE);
    EXPECT_TEXT(strbuf_c(&changes), "1:0:X y;7:0:a\n;7:0:;7:0:\n;7:0:;8:0:bad;7:0:\r;");
    EXPECT_STR(str_make(scene->fakes[0].data['L'], scene->fakes[0].data_lengths['L']), str_make("Subject\0a\n\tb", 13));
    EXPECT_STR(str_make(scene->fakes[0].data['B'], scene->fakes[0].data_lengths['B']), STR("one\r\ntwo\r\n"));
    milters_quit(scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
    EXPECT_TEXT(scene->fakes[0].heard, "OCHMRTLNBEQ");
    strbuf_done(&changes);
}

TEST(changes_are_asked_for_at_the_end_of_the_message)
{
    with_milters(1, prepare_changes, play_changes);
}

static void prepare_half_a_body(struct scene *scene)
{
    SCRIPT(&scene->fakes[0], 'E', PACKET("\5", "bhalf") PACKET("\5", "mX\0y\0"));
}

static void play_half_a_body(struct scene *scene)
{
    struct strbuf changes;

    strbuf_init(&changes, 10000);
    say_the_envelope(scene);
    EXPECT_STR(say_the_content(scene, milters_at(scene->milters, 0), &changes).reply,
               STR("451 4.7.1 Service unavailable - try again later"));
    EXPECT(milter_is_broken(milters_at(scene->milters, 0)));
    strbuf_done(&changes);
}

TEST(a_change_that_nobody_understands_breaks_the_milter)
{
    with_milters(1, prepare_half_a_body, play_half_a_body);
}

static void prepare_skip(struct scene *scene)
{
    SCRIPT(&scene->fakes[0], 'O', NEGOTIATION("\6", "\0\0\4\0"));
    SCRIPT(&scene->fakes[0], 'B', PACKET("\1", "s"));
    SCRIPT(&scene->fakes[1], 'N', PACKET("\1", "a"));
}

static void play_skip(struct scene *scene)
{
    static char large[70000];
    struct str bytes = str_make(large, sizeof large);
    struct milter_change change;

    memset(large, 'x', sizeof large);
    say_the_envelope(scene);
    for (size_t i = 0; i < 2; i++) {
        struct milter *milter = milters_at(scene->milters, i);

        EXPECT_INT(milter_end_of_headers(milter, scene->arena).action, MILTER_CONTINUE);
        EXPECT_INT(milter_body(milter, bytes, scene->arena).action, MILTER_CONTINUE);
        EXPECT_INT(milter_body(milter, bytes, scene->arena).action, MILTER_CONTINUE);
        EXPECT_FALSE(milter_wants_body(milter));
        milter_end_of_message(milter);
        milter_next_change(milter, scene->arena, &change);
        EXPECT_INT(change.kind, MILTER_CHANGE_NONE);
    }
    milters_quit(scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
    EXPECT_TEXT(scene->fakes[0].heard, "OCHMRTNBEQ");
    EXPECT_TEXT(scene->fakes[1].heard, "OCHMRTNQ");
}

TEST(a_milter_that_has_seen_enough_is_left_alone)
{
    with_milters(2, prepare_skip, play_skip);
}

/* ---- lending ---- */

static struct milters *borrow_all(struct scene *scene)
{
    struct milters *borrowed = milters_create_borrowed(scene->loop);
    struct str state;
    int fd;

    for (size_t i = 0; i < milters_count(scene->milters); i++) {
        milter_lend(milters_at(scene->milters, i), scene->arena, &fd, &state);
        EXPECT(fd < 0 || milters_borrow(borrowed, dup(fd), state, NULL));
    }
    return borrowed;
}

static void play_lending(struct scene *scene)
{
    struct milters *borrowed;
    struct strbuf changes;

    strbuf_init(&changes, 10000);
    say_the_envelope(scene);
    borrowed = borrow_all(scene);
    EXPECT_UINT(milters_count(borrowed), 1);
    EXPECT_STR(milter_name(milters_at(borrowed, 0)), STR("inet:fake"));
    EXPECT_INT(say_the_content(scene, milters_at(borrowed, 0), &changes).action, MILTER_CONTINUE);
    EXPECT_STR(str_make(scene->fakes[1].data['D'], scene->fakes[1].data_lengths['D']), str_make("Ei\0004BCD", 8));
    EXPECT_STR(milters_conditions(borrowed, scene->arena), STR("r"));
    milters_returned(scene->milters, milters_conditions(borrowed, scene->arena));
    milters_destroy(&borrowed);

    EXPECT_INT(mail(scene, STR("<a@b>")).action, MILTER_CONTINUE);
    borrowed = borrow_all(scene);
    EXPECT_STR(milters_conditions(borrowed, scene->arena), STR("m"));
    milters_returned(scene->milters, STR("m"));
    milters_destroy(&borrowed);
    milters_quit(scene->milters);
    EXPECT(fiber_group_wait(&scene->group, seconds(30), NULL));
    EXPECT_TEXT(scene->fakes[0].heard, "OCHQ");
    EXPECT_TEXT(scene->fakes[1].heard, "OCHMRTLNBEMAQ");
    strbuf_done(&changes);
}

static void prepare_lending(struct scene *scene)
{
    SCRIPT(&scene->fakes[0], 'H', PACKET("\1", "a"));
}

TEST(a_conversation_is_lent_for_the_content_and_comes_back)
{
    with_milters(2, prepare_lending, play_lending);
}

static void play_death(struct scene *scene)
{
    struct milters *borrowed;
    struct str state;
    int fd;

    say_the_envelope(scene);
    milter_lend(milters_at(scene->milters, 0), scene->arena, &fd, &state);
    borrowed = milters_create_borrowed(scene->loop);
    EXPECT_FALSE(milters_borrow(borrowed, -1, state, NULL));
    EXPECT_FALSE(milters_borrow(borrowed, dup(fd), str_part(state, 0, state.len - 1), NULL));
    EXPECT_FALSE(milters_borrow(borrowed, dup(fd), STR("junk"), NULL));
    milters_destroy(&borrowed);
    milters_returned(scene->milters, STR_EMPTY);
    EXPECT(milter_is_broken(milters_at(scene->milters, 0)));
    EXPECT_INT(mail(scene, STR("<a@b>")).action, MILTER_REJECT);
}

TEST(a_borrower_that_dies_leaves_the_default_action)
{
    with_milters(1, NULL, play_death);
}

/* ---- others that take their time ---- */

static void play_slow_neighbour(struct scene *scene)
{
    EXPECT_INT(greet(scene).action, MILTER_CONTINUE);
    scene->items[1].command_timeout = seconds(1);
    scene->fakes[0].delay.us = 1200 * 1000;
    EXPECT_INT(mail(scene, STR("<a@b>")).action, MILTER_CONTINUE);
    EXPECT_FALSE(milter_is_broken(milters_at(scene->milters, 1)));
    script(&scene->fakes[1], 'M', (const char *) &scene->fakes[1], 0);
    EXPECT_INT(mail(scene, STR("<a@b>")).action, MILTER_REJECT);
}

TEST(an_answer_that_waits_for_a_slow_neighbours_is_in_time)
{
    with_milters(2, NULL, play_slow_neighbour);
}

/* ---- blanks before a field's value ---- */

static void play_blanks(struct scene *scene)
{
    static const char *const values[][2] = {
        { "  two", " two" }, { " \tboth", "\tboth" }, { "\ttab", "\ttab" }, { " \n folded", "\n folded" }, { "", "" },
    };
    struct fake *fake = &scene->fakes[0];

    say_the_envelope(scene);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        EXPECT_INT(
            milter_header(milters_at(scene->milters, 0), STR("X"), str_from_c(values[i][0]), scene->arena).action,
            MILTER_CONTINUE);
        EXPECT_STR(str_make(fake->data['L'], fake->data_lengths['L'] - 1),
                   arena_printf(scene->arena, "X%c%s", '\0', values[i][1]));
    }
}

TEST(one_blank_is_the_colons_what_follows_is_the_fields)
{
    with_milters(1, NULL, play_blanks);
}
