/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/syntax.h"

#include "smtpd/command.h"
#include "smtpd/ehlo_keyword.h"
#include "unit.h"

TEST(a_command_line_is_verb_and_argument)
{
    static const struct {
        const char *line, *verb, *argument;
    } rows[] = {
        { "NOOP", "NOOP", "" },     { "  mail   FROM:<a@b>  ", "mail", "FROM:<a@b>" },
        { "NOOP\r\r", "NOOP", "" }, { "EHLO\tx", "EHLO", "x" },
        { "   ", "", "" },          { "", "", "" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str verb, argument;

        syntax_split_command(str_from_c(rows[i].line), &verb, &argument);
        EXPECT_STR(verb, str_from_c(rows[i].verb));
        EXPECT_STR(argument, str_from_c(rows[i].argument));
    }
}

TEST(headers_are_told_from_commands)
{
    EXPECT(syntax_looks_like_header(STR("Subject:")));
    EXPECT(syntax_looks_like_header(STR("X-Foo:bar")));
    EXPECT_FALSE(syntax_looks_like_header(STR("MAIL")));
    EXPECT_FALSE(syntax_looks_like_header(STR(":")));
    EXPECT_FALSE(syntax_looks_like_header(STR("\001a:")));
}

TEST(a_login_names_a_mechanism_and_may_begin_at_once)
{
    static const struct {
        const char *text, *method, *initial;
        bool has_initial;
    } rows[] = {
        { "PLAIN", "PLAIN", "", false },
        { "plain  AGJvYgB4", "plain", "AGJvYgB4", true },
        { "EXTERNAL =", "EXTERNAL", "", true },
        { "\tPLAIN\t!!! ", "PLAIN", "!!!", true },
    };
    struct auth_argument auth;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(syntax_parse_auth(str_from_c(rows[i].text), &auth));
        EXPECT_STR(auth.method, str_from_c(rows[i].method));
        EXPECT_STR(auth.initial, str_from_c(rows[i].initial));
        EXPECT(auth.has_initial == rows[i].has_initial);
    }
    EXPECT_FALSE(syntax_parse_auth(STR(""), &auth));
    EXPECT_FALSE(syntax_parse_auth(STR(" \t"), &auth));
    EXPECT_FALSE(syntax_parse_auth(STR("PLAIN a b"), &auth));
}

TEST(chunks_have_a_length_and_may_be_the_last)
{
    struct chunk chunk;

    EXPECT(syntax_parse_chunk(STR("22"), &chunk));
    EXPECT_UINT(chunk.bytes, 22);
    EXPECT_FALSE(chunk.is_last);
    EXPECT(syntax_parse_chunk(STR("0 last"), &chunk));
    EXPECT(chunk.is_last);
    EXPECT_FALSE(syntax_parse_chunk(STR(""), &chunk));
    EXPECT_FALSE(syntax_parse_chunk(STR("-1"), &chunk));
    EXPECT_FALSE(syntax_parse_chunk(STR("+1"), &chunk));
    EXPECT_FALSE(syntax_parse_chunk(STR("3 FIRST"), &chunk));
    EXPECT_FALSE(syntax_parse_chunk(STR("3 LAST x"), &chunk));
    EXPECT_FALSE(syntax_parse_chunk(STR("9223372036854775808"), &chunk));
    EXPECT_FALSE(syntax_parse_chunk(STR("99999999999999999999999"), &chunk));
}

TEST(names_lose_what_means_something_in_headers)
{
    struct arena *arena = arena_create();

    EXPECT_STR(syntax_tame_name(arena, STR("a.example")), STR("a.example"));
    EXPECT_STR(syntax_tame_name(arena, STR("[IPv6:::1]")), STR("[IPv6:::1]"));
    EXPECT_STR(syntax_tame_name(arena, STR("a(b)\\c\"d<e>")), STR("a?b??c?d?e?"));
    EXPECT_STR(syntax_tame_name(arena, STR("a\nb\0c")), STR("a?b?c"));
    arena_destroy(&arena);
}

TEST(verbs_are_found_without_regard_to_case)
{
    EXPECT_INT(command_id_of(command_find(STR("mAiL"))), COMMAND_MAIL);
    EXPECT_INT(command_id_of(command_find(STR("MAILX"))), COMMAND_UNKNOWN);
    EXPECT_INT(command_id_of(command_find(STR(""))), COMMAND_UNKNOWN);
}

TEST(keywords_that_nobody_knows_are_ignored)
{
    EXPECT_UINT(ehlo_keyword_mask(STR("pipelining, dsn, ETRN, TURN, silent-discard")),
                KEYWORD_PIPELINING | KEYWORD_DSN | KEYWORD_ETRN | KEYWORD_SILENT);
    EXPECT_UINT(ehlo_keyword_mask(STR("")), 0);
}
