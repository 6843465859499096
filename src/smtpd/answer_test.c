/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/answer.h"

#include "config/main_cf.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/socket.h"
#include "run/stream.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "unit.h"

/* A session with nothing but a client at the other end of its stream. play runs in a fiber. */
struct bench {
    struct smtpd smtpd;
    struct session session;
    struct stream *client;
    const char *main_cf;
    void (*play)(struct bench *bench);
};

static void open_smtpd(struct bench *bench, struct arena *arena)
{
    struct smtpd *smtpd = &bench->smtpd;
    struct table_set_options options = { 0 };
    struct failure why;
    void *settings;

    smtpd->arena = arena;
    smtpd->tables = table_set_create(&options);
    EXPECT(main_cf_parse(arena_printf(arena, "myhostname = mail.ours.test\n%s", bench->main_cf), STR("main.cf"),
                         STR("."), arena, &smtpd->main_cf, &why));
    EXPECT(shared_settings_load(smtpd->main_cf, arena, &smtpd->shared, &why));
    EXPECT(settings_load(&smtpd_settings_table, smtpd->main_cf, STR_EMPTY, arena, &settings, &why));
    smtpd->settings = settings;
    smtpd->reject_footer_maps = table_list_open(smtpd->tables, STR("footer"), STR_EMPTY, 0);
    smtpd->reject_filter_maps = table_list_open(smtpd->tables, STR("filter"), smtpd->settings->reject_filter_maps, 0);
}

static void run(void *context)
{
    struct bench *bench = context;
    struct session *session = &bench->session;
    struct failure why;
    int fds[2];

    EXPECT(socket_pair(fds, &why));
    EXPECT(stream_create(bench->smtpd.loop, fds[0], seconds(10), &session->stream, &why));
    EXPECT(stream_create(bench->smtpd.loop, fds[1], seconds(10), &bench->client, &why));
    bench->play(bench);
    stream_destroy(&session->stream);
    stream_destroy(&bench->client);
}

static void with_bench(const char *main_cf, void (*play)(struct bench *bench))
{
    struct bench bench = { .main_cf = main_cf, .play = play };
    struct arena *arena = arena_create();

    bench.smtpd.loop = loop_create();
    open_smtpd(&bench, arena);
    bench.session.smtpd = &bench.smtpd;
    bench.session.settings = bench.smtpd.settings;
    bench.session.arena = bench.session.command_arena = arena;
    fiber_run(bench.smtpd.loop, run, &bench);
    table_set_destroy(&bench.smtpd.tables);
    loop_destroy(&bench.smtpd.loop);
    arena_destroy(&arena);
}

static void expect_line(struct bench *bench, const char *text)
{
    struct failure why;
    struct str line = STR_EMPTY;

    EXPECT(stream_flush(bench->session.stream, &why));
    EXPECT(stream_read_line(bench->client, 1000, &line, &why));
    EXPECT_STR(line, str_from_c(text));
}

static void play_one_line(struct bench *bench)
{
    struct session *session = &bench->session;

    answer_send(session, STR("554 5.7.1 no\r\n250 2.0.0 yes\n\tand\x7f more"));
    expect_line(bench, "554 5.7.1 no  250 2.0.0 yes  and  more\r\n");
    answer_send_uncounted(session, STR("450 4.3.0 later\r\n250 Ok"));
    expect_line(bench, "450 4.3.0 later  250 Ok\r\n");
    answer(session, "250 2.0.0 %s", "Ok\n354 go on");
    expect_line(bench, "250 2.0.0 Ok 354 go on\r\n");
    /* Bytes of UTF-8 are no control bytes. */
    answer_send(session, STR("550 5.1.1 gr\xc3\xbc\xc3\x9f"));
    expect_line(bench, "550 5.1.1 gr\xc3\xbc\xc3\x9f\r\n");
    EXPECT_UINT(session->error_count, 2);
}

TEST(what_is_said_as_one_line_is_one_line)
{
    with_bench("", play_one_line);
}

static void play_lines(struct bench *bench)
{
    answer_send_lines(&bench->session, STR("250-mail.ours.test\n250 DSN"));
    expect_line(bench, "250-mail.ours.test\r\n");
    expect_line(bench, "250 DSN\r\n");
    EXPECT_UINT(bench->session.error_count, 0);
}

TEST(several_lines_have_a_call_of_their_own)
{
    with_bench("", play_lines);
}

static void play_softly(struct bench *bench)
{
    answer_send(&bench->session, STR("554 5.7.1 no\n250 yes"));
    expect_line(bench, "454 4.7.1 no 250 yes\r\n");
}

TEST(soft_bounce_turns_for_ever_into_later)
{
    with_bench("soft_bounce = yes\n", play_softly);
}

static void play_end(struct bench *bench)
{
    answer_send(&bench->session, STR("554 5.7.1 no\r\n421 and go"));
    EXPECT_INT(bench->session.end, SESSION_GOES_ON);
    answer_send(&bench->session, STR("421 4.3.2 go"));
    EXPECT_INT(bench->session.end, SESSION_DROPPED);
}

TEST(a_session_ends_after_421_alone)
{
    with_bench("", play_end);
}
