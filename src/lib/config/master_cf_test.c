/* SPDX-License-Identifier: Apache-2.0 */
#include "config/master_cf.h"

#include "config/main_cf.h"

#include "unit.h"

static struct arena *arena;

static struct master_cf *parse(const char *text)
{
    struct master_cf *cf = NULL;
    struct failure why = { 0 };

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT(master_cf_parse(str_from_c(text), STR("master.cf"), arena, &cf, &why));
    EXPECT_TEXT(why.text, "");
    return cf;
}

static void expect_refused(const char *text, const char *reason)
{
    struct master_cf *cf;
    struct failure why = { 0 };

    arena_destroy(&arena);
    arena = arena_create();
    EXPECT_FALSE(master_cf_parse(str_from_c(text), STR("master.cf"), arena, &cf, &why));
    EXPECT_TEXT(why.text, reason);
}

TEST(a_service_has_its_columns)
{
    const struct master_cf *cf = parse("# service type\nsmtp      inet  n       -       y       -       -       smtpd\n"
                                       "pickup    unix  n       -       -       60      1       pickup\n"
                                       "qmgr      unix  n       n       n       300?    1       qmgr\n"
                                       "postlog   unix-dgram n  -       n       -       1       postlogd\n");

    EXPECT_UINT(cf->count, 4);
    EXPECT_INT(cf->services[0].type, MASTER_SERVICE_INET);
    EXPECT_FALSE(cf->services[0].is_private);
    EXPECT(cf->services[0].is_unprivileged);
    EXPECT_INT(cf->services[0].chroot, 1);
    EXPECT_INT(cf->services[0].max_processes, MASTER_CF_DEFAULT);
    EXPECT_UINT(cf->services[0].line, 2);
    EXPECT_INT(cf->services[1].chroot, MASTER_CF_DEFAULT);
    EXPECT_INT(cf->services[1].wakeup_seconds, 60);
    EXPECT_FALSE(cf->services[1].wakes_only_when_used);
    EXPECT_INT(cf->services[1].max_processes, 1);
    EXPECT(cf->services[2].wakes_only_when_used);
    EXPECT_FALSE(cf->services[2].is_unprivileged);
    EXPECT_INT(cf->services[3].type, MASTER_SERVICE_UNIX_DGRAM);
    EXPECT(master_cf_find(cf, STR("qmgr"), MASTER_SERVICE_UNIX) == &cf->services[2]);
    EXPECT(master_cf_find(cf, STR("qmgr"), MASTER_SERVICE_INET) == NULL);
}

TEST(arguments_keep_braces_together_and_lose_the_outer_ones)
{
    const struct master_cf *cf = parse("smtps inet n - n - - smtpd -v\n"
                                       "  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n"
                                       "# comment\n"
                                       "  -o { smtpd_banner = $myhostname hi } -osyslog_name=postfix/$service_name\n"
                                       "cyrus unix - n n - - pipe flags=R user=cyrus argv={ /bin/sh -c { x } }\n");
    struct strlist overrides = master_service_overrides(&cf->services[0], arena);

    EXPECT_UINT(overrides.count, 3);
    EXPECT_STR(overrides.items[0], STR("smtpd_relay_restrictions=permit_sasl_authenticated,reject"));
    EXPECT_STR(overrides.items[1], STR("smtpd_banner = $myhostname hi"));
    EXPECT_STR(overrides.items[2], STR("syslog_name=postfix/$service_name"));
    EXPECT_STR(cf->services[0].arguments.items[0], STR("-v"));
    EXPECT_STR(cf->services[0].written_arguments.items[4], STR("{ smtpd_banner = $myhostname hi }"));
    EXPECT_UINT(cf->services[1].arguments.count, 3);
    EXPECT_UINT(master_service_words(&cf->services[0], arena).count, 0);
    EXPECT_STR(master_service_words(&cf->services[1], arena).items[0], STR("flags=R"));
}

TEST(the_words_of_a_program_follow_its_options)
{
    const struct master_cf *cf = parse("x unix - n n - - pipe -v -o a=b -oc=d user=u argv=/x -o y\n"
                                       "y unix - n n - - pipe -o\n");
    struct strlist words = master_service_words(&cf->services[0], arena);

    EXPECT_UINT(words.count, 4);
    EXPECT_STR(words.items[0], STR("user=u"));
    EXPECT_STR(words.items[3], STR("y"));
    EXPECT_UINT(master_service_words(&cf->services[1], arena).count, 0);
}

TEST(of_two_equal_services_the_last_counts)
{
    const struct master_cf *cf = parse("a unix - - n - - one\nb unix - - n - - two\na unix - - n - - three\n"
                                       "a inet n - n - - four\n");

    EXPECT_UINT(cf->count, 3);
    EXPECT_STR(cf->services[0].fields[MASTER_FIELD_COMMAND], STR("three"));
    EXPECT_UINT(cf->warnings.count, 1);
    EXPECT_STR(cf->warnings.items[0], STR("master.cf: line 3: duplicate master.cf entry for service \"a\" (unix) -- "
                                          "using the last entry"));
}

TEST(what_cannot_be_is_refused_with_the_line_and_a_remedy)
{
    expect_refused("a unix - -\n", "master.cf: line 1: too few fields in \"a\": write: service type private unpriv "
                                   "chroot wakeup maxproc command");
    expect_refused("\na tcp - - - - - x", "master.cf: line 2: bad transport type \"tcp\": write inet, unix, "
                                          "unix-dgram, fifo or pass");
    expect_refused("a unix q - - - - x", "master.cf: line 1: bad private field \"q\": write y, n or -");
    expect_refused("a unix - - - 5x - x", "master.cf: line 1: bad wakeup time \"5x\": write seconds, with ? to wake it "
                                          "only once used, or -");
    expect_refused("a unix - - - - -1 x", "master.cf: line 1: bad process limit \"-1\": write a number, 0 for no "
                                          "limit, or -");
    expect_refused("a inet y - - - - x", "master.cf: line 1: inet service cannot be private: \"a\": write n");
    expect_refused("a unix - - - - - ../../bin/sh", "master.cf: line 1: bad command name \"../../bin/sh\": write the "
                                                    "name of a program in $daemon_directory");
    expect_refused(" a unix - - - - - x", "master.cf: line 1: a line begins with white space but continues none: \"a "
                                          "unix - - - - - x\": begin it at the left, or with #");
    expect_refused("a unix - - - - - x -o { b = c", "master.cf: line 1: missing '}' in \"{ b = c\": close it");
}

TEST(a_service_is_disabled_by_type_or_by_name_and_the_first_word_that_fits_decides)
{
    const struct master_cf *cf =
        parse("smtp inet n - n - - smtpd\n2525 inet n - n - - smtpd\nshowq unix n - n - - showq\n");
    const struct strlist words = main_cf_words(STR("!smtp/inet, inet"), arena);
    const struct strlist name = main_cf_words(STR("showq/unix"), arena);

    EXPECT_FALSE(master_service_is_disabled(&cf->services[0], &words));
    EXPECT(master_service_is_disabled(&cf->services[1], &words));
    EXPECT_FALSE(master_service_is_disabled(&cf->services[2], &words));
    EXPECT(master_service_is_disabled(&cf->services[2], &name));
}
