/* SPDX-License-Identifier: Apache-2.0 */
#include "table/posix_pattern.h"

#include "unit.h"

static void expect(const char *pattern, unsigned flags, const char *translated)
{
    struct strbuf out;
    const char *problem = NULL;

    strbuf_init(&out, 1000);
    if (posix_pattern_translate(str_from_c(pattern), flags, &out, &problem))
        EXPECT_STR(strbuf_str(&out), str_from_c(translated));
    else
        EXPECT_TEXT(problem, translated);
    strbuf_done(&out);
}

TEST(extended_expressions_keep_their_operators)
{
    expect("^a(b|c)+d{2,3}$", POSIX_PATTERN_EXTENDED, "^a(b|c)+d{2,3}$");
    expect("a\\.b", POSIX_PATTERN_EXTENDED, "a\\.b");
    expect("\\<x\\>", POSIX_PATTERN_EXTENDED, "\\b(?=\\w)x\\b(?<=\\w)");
    expect("\\d", POSIX_PATTERN_EXTENDED, "d");
    expect("a{x", POSIX_PATTERN_EXTENDED, "a\\{x");
    expect("*a", POSIX_PATTERN_EXTENDED, "\\*a");
    expect("a#b@c", POSIX_PATTERN_EXTENDED, "a\\#b\\@c");
}

TEST(brackets_know_no_backslash)
{
    expect("[a\\d]", POSIX_PATTERN_EXTENDED, "[a\\\\d]");
    expect("[]a-z-]", POSIX_PATTERN_EXTENDED, "[\\]a-z\\-]");
    expect("[^]x]", POSIX_PATTERN_EXTENDED, "[^\\]x]");
    expect("[[:alnum:]+/]", POSIX_PATTERN_EXTENDED, "[[:alnum:]\\+\\/]");
    expect("[^a]", POSIX_PATTERN_EXTENDED | POSIX_PATTERN_NEWLINE, "[^\\na]");
    expect("[[.-.]x]", POSIX_PATTERN_EXTENDED, "[\\-x]");
}

TEST(basic_expressions_have_their_operators_behind_a_backslash)
{
    expect("a\\(b\\)\\{2\\}(c)+", 0, "a(b){2}\\(c\\)\\+");
    expect("a^b$c$", 0, "a\\^b\\$c$");
    expect("\\(^a$\\|b\\)", 0, "(^a$|b)");
}

TEST(what_does_not_close_is_refused)
{
    expect("(a", POSIX_PATTERN_EXTENDED, "Unmatched ( or \\(");
    expect("[a", POSIX_PATTERN_EXTENDED, "Unmatched [, [^, [:, [., or [=");
    expect("[[:foo:]]", POSIX_PATTERN_EXTENDED, "Invalid character class name");
    expect("a\\", POSIX_PATTERN_EXTENDED, "Trailing backslash");
    expect("a\\)", 0, "Unmatched ) or \\)");
}
