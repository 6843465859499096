/* SPDX-License-Identifier: Apache-2.0 */
#include "config/service_lines.h"

#include "base/arena.h"
#include "config/main_cf.h"
#include "unit.h"

static void expect(const char *lines, const char *expected)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const struct shared_settings *shared = NULL;
    struct master_cf *services;
    struct main_cf *cf;
    struct failure why = { 0 };

    EXPECT(main_cf_parse(STR("inet_interfaces = 127.0.0.1\n"), STR("main.cf"), STR("/etc/x"), arena, &cf, &why));
    EXPECT(shared_settings_load(cf, arena, &shared, &why));
    EXPECT(master_cf_parse(str_from_c(lines), STR("master.cf"), arena, &services, &why));
    if (service_lines_are_sound(shared, services->services, services->count, &why))
        why.text[0] = '\0';
    EXPECT_TEXT(why.text, expected);
}

TEST(a_word_behind_the_options_is_no_part_of_a_value)
{
    expect("26 inet n - n - - smtpd -o a=b -v\n", "");
    expect("26 inet n - n - - smtpd -o { a = b, c }\n", "");
    expect("x unix - - n - - oqmgr\n26 inet n - n - - smtpd\n -o a=b, c\n",
           "master.cf: line 2: service 26/inet: unexpected command-line argument: c; a value with blanks is written "
           "-o { name = value }");
    expect("x unix - - n - - bounce word\n",
           "master.cf: line 1: service x/unix: unexpected command-line argument: word; a "
           "value with blanks is written -o { name = value }");
}

TEST(an_option_without_its_value_is_told)
{
    expect("26 inet n - n - - smtpd -o a=b -o\n",
           "master.cf: line 1: service 26/inet: option -o needs a value: -o name=value");
}

TEST(programs_that_take_words_get_them)
{
    expect("a unix - n n - - pipe -v flags=R user=x argv=/y z\nb unix - n n - - spawn user=x argv=/y\n"
           "c unix - - n - - smtp -o x=y flags=DO\nd unix - - n - - lmtp flags=D\n",
           "");
}

TEST(a_port_that_nobody_knows_is_told_with_its_line)
{
    expect(
        "sbmission inet n - n - - smtpd\n",
        "master.cf: line 1: service sbmission/inet: no port is known by the name of service sbmission; write a number, "
        "host:port, or a name that /etc/services has");
}

TEST(two_on_one_place_are_told)
{
    expect("26 inet n - n - - smtpd\n127.0.0.1:26 inet n - n - - smtpd\n",
           "services 26/inet (line 1) and 127.0.0.1:26/inet (line 2) both listen on 127.0.0.1 port 26");
}

TEST(what_is_not_started_is_passed_over)
{
    expect("nowhere inet n - n - - scache word\n", "");
}
