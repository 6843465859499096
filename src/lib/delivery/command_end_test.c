/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_end.h"

#include "delivery/sysexits_text.h"
#include "run/child.h"
#include "unit.h"

#include <sysexits.h>

static void expect(struct child_result result, const char *dsn, const char *text)
{
    struct arena *arena = arena_create();
    struct command_end end = command_end_judge(arena, &result, STR("/bin/x"));
    char status[DSN_STATUS_SIZE];

    EXPECT_STR(dsn_status_format(end.dsn, status), str_from_c(dsn));
    EXPECT_STR(end.text, str_from_c(text));
    arena_destroy(&arena);
}

TEST(an_exit_status_means_what_sysexits_says)
{
    expect((struct child_result){ CHILD_EXITED, 0, STR("all is well\n"), false }, "2.0.0", "");
    expect((struct child_result){ CHILD_EXITED, EX_NOUSER, STR_EMPTY, false }, "5.1.1", "user unknown");
    expect((struct child_result){ CHILD_EXITED, EX_TEMPFAIL, STR("busy\nnow\n"), false }, "4.3.0",
           "temporary failure. Command output: busy now ");
    expect((struct child_result){ CHILD_EXITED, 99, STR_EMPTY, false }, "5.3.0",
           "Command died with status 99: \"/bin/x\"");
    expect((struct child_result){ CHILD_EXITED, 1, STR("no"), false }, "5.3.0",
           "Command died with status 1: \"/bin/x\". Command output: no");
}

TEST(a_status_code_in_the_output_outranks_the_exit_status)
{
    expect((struct child_result){ CHILD_EXITED, EX_TEMPFAIL, STR("5.1.1 who is that\n"), false }, "5.1.1",
           "who is that ");
    expect((struct child_result){ CHILD_EXITED, EX_NOUSER, STR("4.2.2 full"), false }, "4.2.2", "full");
    expect((struct child_result){ CHILD_EXITED, EX_NOUSER, STR("2.0.0 fine"), false }, "5.0.0", "fine");
    expect((struct child_result){ CHILD_EXITED, EX_TEMPFAIL, STR("2.1.3 fine"), false }, "4.0.0", "fine");
    expect((struct child_result){ CHILD_EXITED, 3, STR("2.0.0 fine"), false }, "5.0.0", "fine");
    expect((struct child_result){ CHILD_EXITED, 0, STR("5.1.1 who is that\n"), false }, "2.0.0", "");
}

TEST(output_is_one_line_of_utf8)
{
    expect((struct child_result){ CHILD_EXITED, 99, STR("a\tb\rc\001 \303\244\344 \303( \360\237\230\200\303"), false },
           "5.3.0", "Command died with status 99: \"/bin/x\". Command output: a b_c_ \303\244_ _( \360\237\230\200_");
}

TEST(one_that_was_ended_has_the_diagnostic_of_postfix)
{
    struct arena *arena = arena_create();
    struct child_result silent = { CHILD_TIMED_OUT, 0, STR_EMPTY, false };
    struct child_result loud = { CHILD_SIGNALED, 9, STR("so far\n"), false };

    EXPECT_STR(command_end_judge(arena, &silent, STR("x")).diagnostic, STR("internal software error"));
    EXPECT_STR(command_end_judge(arena, &loud, STR("x")).diagnostic, STR("so far"));
    arena_destroy(&arena);
}

static void expect_diagnostic(int status, const char *output, const char *diagnostic)
{
    struct arena *arena = arena_create();
    struct child_result result = { CHILD_EXITED, status, str_from_c(output), false };

    EXPECT_STR(command_end_judge(arena, &result, STR("x")).diagnostic, str_from_c(diagnostic));
    arena_destroy(&arena);
}

TEST(the_diagnostic_is_what_the_command_said_or_what_its_status_means)
{
    expect_diagnostic(EX_NOUSER, "", "user unknown");
    expect_diagnostic(EX_NOUSER, "nobody here\n", "nobody here");
    expect_diagnostic(EX_NOUSER, "5.1.1 nobody here\n", "nobody here");
    expect_diagnostic(99, "", "unknown mail system error 99");
    expect_diagnostic(0, "", "");
}

TEST(output_is_one_line_of_printable_bytes)
{
    struct arena *arena = arena_create();
    struct child_result result = { CHILD_EXITED, 0, STR("a\tb\r\001c\177\303\244\n\n"), false };

    EXPECT_STR(command_end_judge(arena, &result, STR("x")).output, STR("a b__c_\303\244"));
    arena_destroy(&arena);
}

TEST(a_signal_defers_and_a_time_that_is_over_does_not)
{
    expect((struct child_result){ CHILD_SIGNALED, 9, STR_EMPTY, false }, "4.3.0",
           "Command died with signal 9: \"/bin/x\"");
    expect((struct child_result){ CHILD_TIMED_OUT, 9, STR("zz"), false }, "5.3.0",
           "Command time limit exceeded: \"/bin/x\". Command output: zz");
}

TEST(each_status_of_sysexits_has_a_meaning)
{
    for (int status = EX__BASE; status <= EX__MAX; status++)
        EXPECT(sysexits_find(status) != NULL);
    EXPECT(sysexits_find(EX__MAX + 1) == NULL);
    EXPECT(sysexits_find(1) == NULL);
}
