/* SPDX-License-Identifier: Apache-2.0 */
#include "sendmail/options.h"

#include "unit.h"

/* Splits words at blanks; "''" is an empty word. */
static bool parse(struct sendmail_options *options, struct arena *arena, const char *program, const char *words,
                  struct failure *why)
{
    struct strlist list = strlist_split(arena, str_from_c(words), " ");
    char **argv = arena_new_array(arena, list.count + 2, char *);

    argv[0] = arena_c(arena, str_from_c(program));
    for (size_t i = 0; i < list.count; i++)
        argv[i + 1] = arena_c(arena, str_equal(list.items[i], STR("''")) ? STR_EMPTY : list.items[i]);
    return sendmail_options_parse(options, arena, str_from_c(program), (int) list.count + 1, argv, why);
}

TEST(the_mode_comes_from_the_name_and_the_options)
{
    static const struct {
        const char *program;
        const char *words;
        enum sendmail_mode mode;
    } cases[] = {
        { "sendmail", "a@b", SENDMAIL_DELIVER },      { "mailq", "", SENDMAIL_LIST },
        { "newaliases", "", SENDMAIL_ALIASES },       { "smtpd", "", SENDMAIL_DAEMON },
        { "sendmail", "-bp", SENDMAIL_LIST },         { "sendmail", "-b p", SENDMAIL_LIST },
        { "sendmail", "-bi", SENDMAIL_ALIASES },      { "sendmail", "-I", SENDMAIL_ALIASES },
        { "sendmail", "-bs", SENDMAIL_SMTP },         { "sendmail", "-bd", SENDMAIL_DAEMON },
        { "sendmail", "-bd -q15m", SENDMAIL_DAEMON }, { "sendmail", "-q30m", SENDMAIL_IGNORE },
        { "sendmail", "-q", SENDMAIL_FLUSH },         { "sendmail", "-qRsite.example", SENDMAIL_FLUSH },
        { "sendmail", "-qIABC", SENDMAIL_FLUSH },     { "sendmail", "-bh", SENDMAIL_IGNORE },
        { "mailq", "-bm", SENDMAIL_DELIVER },         { "sendmail", "-q30m -bl", SENDMAIL_DAEMON },
        { "mailq", "-q30m", SENDMAIL_IGNORE },        { "sendmail", "-q5s -bs", SENDMAIL_IGNORE },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct sendmail_options options;
        struct failure why;

        EXPECT(parse(&options, arena, cases[i].program, cases[i].words, &why));
        EXPECT_INT(options.mode, cases[i].mode);
    }
    arena_destroy(&arena);
}

TEST(options_are_read_in_every_spelling)
{
    struct arena *arena = arena_create();
    struct sendmail_options options;
    struct failure why;

    EXPECT(parse(&options, arena, "sendmail",
                 "-oi -tv -fme@x -FName -B8bitmime -NSUCCESS,DELAY -R full -V a+2Bb -C /etc/x/main.cf -G r1 -f r2",
                 &why) == false);
    EXPECT(parse(&options, arena, "sendmail",
                 "-oi -tv -fme@x -FName -B8BITMIME -NSUCCESS,DELAY -R full -V a+2Bb -C /etc/x/main.cf -G r1 -f r2",
                 &why));
    EXPECT(options.reads_dots && options.extracts_recipients && options.is_relayed && options.has_sender);
    EXPECT_UINT(options.verbosity, 1);
    EXPECT_STR(options.sender, STR("me@x"));
    EXPECT_STR(options.full_name, STR("Name"));
    EXPECT_STR(options.encoding, STR("8bit"));
    EXPECT_STR(options.dsn_notify, STR("SUCCESS,DELAY"));
    EXPECT_STR(options.dsn_return, STR("FULL"));
    EXPECT_STR(options.envid, STR("a+2Bb"));
    EXPECT_STR(options.config_directory, STR("/etc/x"));
    EXPECT_UINT(options.recipients.count, 3);
    EXPECT(parse(&options, arena, "sendmail", "-i -r '' -- -x", &why));
    EXPECT(options.has_sender && options.sender.len == 0);
    EXPECT_STR(options.recipients.items[0], STR("-x"));
    EXPECT(parse(&options, arena, "sendmail", "-o7 -om -oem -OX=y -e m -h 3 -p x -L y -m -U -x -Ac -X f a", &why));
    EXPECT_STR(options.encoding, STR(""));
    EXPECT_FALSE(options.wants_verp);
    EXPECT(parse(&options, arena, "sendmail", "-bi -oA/etc/x", &why));
    EXPECT_STR(options.alias_database, STR("/etc/x"));
    EXPECT(parse(&options, arena, "sendmail", "-XV a", &why));
    EXPECT(options.wants_verp && str_is_empty(options.verp_delimiters));
    EXPECT(parse(&options, arena, "sendmail", "-X V-= a", &why));
    EXPECT_STR(options.verp_delimiters, STR("-="));
    EXPECT(parse(&options, arena, "sendmail", "-V+= a", &why));
    EXPECT_STR(options.verp_delimiters, STR("+="));
    EXPECT_STR(options.warnings.items[0], STR("option -V+= is deprecated with Postfix 2.3; specify -XV+= instead"));
    EXPECT(parse(&options, arena, "sendmail", "-V ab c", &why));
    EXPECT(options.wants_verp && options.recipients.count == 2);
    EXPECT(parse(&options, arena, "sendmail", "-V abc d", &why));
    EXPECT(!options.wants_verp && options.recipients.count == 1);
    EXPECT_UINT(options.recipients.count, 1);
    EXPECT_FALSE(options.wants_verify_report);
    EXPECT(parse(&options, arena, "sendmail", "-bv a", &why));
    EXPECT(options.mode == SENDMAIL_DELIVER && options.wants_verify_report);
    EXPECT(parse(&options, arena, "sendmail", "-qIABC", &why));
    EXPECT_STR(options.flush_id, STR("ABC"));
    arena_destroy(&arena);
}

TEST(what_cannot_be_is_refused_or_warned_of)
{
    static const char *const bad[] = { "-Z",
                                       "-bz",
                                       "-bx",
                                       "-b",
                                       "-Bx",
                                       "-n",
                                       "-qS",
                                       "-f",
                                       "-q a",
                                       "-bp a",
                                       "-bi a",
                                       "-bs a",
                                       "-bd a",
                                       "-qRx.test a",
                                       "-qIABC a",
                                       "-bv -t",
                                       "-v -bv a",
                                       "-N never -bv a",
                                       "-bv -R full a",
                                       "-q5m a" };
    struct arena *arena = arena_create();
    struct sendmail_options options;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        EXPECT_FALSE(parse(&options, arena, "sendmail", bad[i], &why));
        EXPECT_INT(why.kind, FAILURE_PROTOCOL);
    }
    EXPECT(parse(&options, arena, "sendmail", "-N x -R x -V \001 a", &why));
    EXPECT_UINT(options.warnings.count, 4);
    EXPECT_STR(options.warnings.items[0], STR("unknown DSN NOTIFY command value \"x\" in \"x\""));
    EXPECT_FALSE(parse(&options, arena, "sendmail", "-qRx.test -bp", &why));
    EXPECT_STR(str_from_c(why.text), STR("-qR can be used only in delivery mode"));
    EXPECT_FALSE(parse(&options, arena, "sendmail", "-f", &why));
    EXPECT_STR(options.complaint, STR("option requires an argument -- 'f'"));
    arena_destroy(&arena);
}
