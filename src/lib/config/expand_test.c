/* SPDX-License-Identifier: Apache-2.0 */
#include "config/expand.h"

#include "unit.h"

#include <stdio.h>

static bool look_up(void *context, struct str name, struct str *value_out)
{
    static const struct {
        const char *name, *value;
    } rows[] = { { "a", "1" }, { "b", "$a$a" }, { "empty", "" }, { "loop", "$loop" }, { "domain", "example.com" } };

    (void) context;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_equal(name, str_from_c(rows[i].name))) {
            *value_out = str_from_c(rows[i].value);
            return true;
        }
    }
    return false;
}

static bool expand(const char *text, bool is_recursive, struct strbuf *out, struct failure *why)
{
    struct expand_source source = { .lookup = look_up, .is_recursive = is_recursive, .maximum = 100 };

    return expand_text(&source, str_from_c(text), out, why);
}

TEST(forms_are_replaced)
{
    static const struct {
        const char *text;
        bool is_recursive;
        const char *expanded;
    } rows[] = {
        { "", false, "" },
        { "plain", false, "plain" },
        { "$a${a}$(a)$$a", false, "111$a" },
        { "$b", false, "$a$a" },
        { "$b", true, "11" },
        { "[$nobody]", true, "[]" },
        { "${empty?x}${empty:y}", true, "y" },
        { "${a?{x}:{y}}${empty?{x}:{y}}", true, "xy" },
        { "${{$a} == {1} ? {one} : {other}}", true, "one" },
        { "${domain_to_ascii{ \xcf\x80.$domain }} ${domain_to_ascii {A.b}}", true, "xn--1xa.example.com A.b" },
        { "user@$domain", true, "user@example.com" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct failure why;
        struct strbuf out;

        strbuf_init(&out, 100);
        EXPECT(expand(rows[i].text, rows[i].is_recursive, &out, &why));
        EXPECT_TEXT(strbuf_c(&out), rows[i].expanded);
        strbuf_done(&out);
    }
}

TEST(what_cannot_be_expanded_is_refused_with_the_reason)
{
    static const char thirty[] = "123456789012345678901234567890";
    char long_text[130];
    const struct {
        const char *text, *reason;
    } rows[] = {
        { "${a", "\"}\" is missing" },
        { "$", "a parameter's name expected" },
        { "${nosuch{a}}", "unknown at \"nosuch\"" },
        { "${domain_to_ascii{a}b}", "unexpected text at \"b\"" },
        { "${domain_to_ascii{$empty}}", "without a domain name" },
        { "${domain_to_ascii{\xcf\x80.-a\xc3\xa9-}}", "bad domain name" },
        { "${domain_to_ascii{$loop}}", "refers to itself" },
        { "$loop", "\"loop\" refers to itself" },
        { long_text, "the value grows beyond 100 bytes" },
    };

    snprintf(long_text, sizeof(long_text), "%s%s%s%s", thirty, thirty, thirty, thirty);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct failure why;
        struct strbuf out;

        strbuf_init(&out, 100);
        EXPECT_FALSE(expand(rows[i].text, true, &out, &why));
        EXPECT_INT(why.kind, FAILURE_CONFIGURATION);
        if (strstr(why.text, rows[i].reason) == NULL)
            EXPECT_TEXT(why.text, rows[i].reason);
        strbuf_done(&out);
    }
}
