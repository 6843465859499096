/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/smtp_path.h"

#include "unit.h"

enum { LENIENT = SMTP_PATH_MAY_BE_EMPTY, STRICT = SMTP_PATH_MAY_BE_EMPTY | SMTP_PATH_STRICT };

/* What a stock Postfix accepts and refuses, leniently and with strict_rfc821_envelopes; NULL: refused. */
static const struct {
    const char *text;
    const char *lenient;
    const char *strict;
} cases[] = {
    { "<a@b.example>", "a@b.example", "a@b.example" },
    { "a@b.example", "a@b.example", NULL },
    { " <a@b.example>", "a@b.example", "a@b.example" },
    { " a@b.example  ", "a@b.example", NULL },
    { "<>", "", "" },
    { "", NULL, NULL },
    { " ", NULL, NULL },
    { "Foo<a@b.example>", "a@b.example", NULL },
    { "(c)<a@b.example>", "a@b.example", NULL },
    { "<@x,@y:a@b.example>", "a@b.example", "a@b.example" },
    { "@x:a@b.example", "a@b.example", NULL },
    { "<\"a b\"@c.example>", "a b@c.example", "a b@c.example" },
    { "<\"a\\\"b\"@c.example>", "a\"b@c.example", "a\"b@c.example" },
    { "\"a b\"@c.example", "a b@c.example", NULL },
    { "<a b@c.example>", NULL, NULL },
    { "<a..b@c.example>", "a..b@c.example", "a..b@c.example" },
    { "<.a@c.example>", ".a@c.example", ".a@c.example" },
    { "<a@>", NULL, NULL },
    { "<@b.example>", "@b.example", NULL },
    { "<a>", "a", "a" },
    { "<-a@b.example>", NULL, NULL },
    { "-a@b.example", NULL, NULL },
    { "<\"-a\"@b.example>", NULL, NULL },
    { "<a-@b.example>", "a-@b.example", "a-@b.example" },
    { "a", "a", NULL },
    { "<a@b@c.example>", "a@b@c.example", "a@b@c.example" },
    { "<<a@b.example>>", "a@b.example", "a@b.example" },
    { "<a@b.example", NULL, NULL },
    { "a@b.example>", "a@b.example", NULL },
    { "<a@[192.0.2.1]>", "a@[192.0.2.1]", "a@[192.0.2.1]" },
    { "<a@[foo]>", NULL, NULL },
    { "<a@[foo>", NULL, NULL },
    { "a@[192.0.2.1", "a@[192.0.2.1]", NULL },
    { "<a@[192.0.2.1>", "a@[192.0.2.1]", "a@[192.0.2.1]" },
    { "<a@[192.0.2.1", NULL, NULL },
    { "<a@b.example(c>", "a@b.example", NULL },
    { "\"a@b.example", NULL, NULL },
    { "<\"a@b.example>", NULL, NULL },
    { "@x,@y:a@b.example", "a@b.example", NULL },
    { "<@x:@y:a@b.example>", "@y:a@b.example", "@y:a@b.example" },
    { "<@x:>", NULL, NULL },
    { "<@x,@y>", NULL, NULL },
    { "<a@[IPv6:::1]>", "a@[IPv6:::1]", "a@[IPv6:::1]" },
    { "<a@b.example.>", "a@b.example.", "a@b.example." },
    { "<a@-b.example>", NULL, NULL },
    { "<a@b_c.example>", "a@b_c.example", "a@b_c.example" },
    { "<a@b c>", NULL, NULL },
    { "<a@b.example>SIZE=1", NULL, NULL },
    { "<a@b..example>", NULL, NULL },
    { "<\xc3\xa9@b.example>", "\xc3\xa9@b.example", "\xc3\xa9@b.example" },
    { "<a@\xc3\xa9.example>", NULL, NULL },
    { "<a,b@c.example>", NULL, NULL },
    { "a,b@c.example", NULL, NULL },
    { "<a:b@c.example>", "a:b@c.example", "a:b@c.example" },
    { "<a@b.example>,<c@d.example>", NULL, NULL },
    { "<\"\">", "", "" },
    { "<\"\"@c.example>", "@c.example", NULL },
    { "<a\\b@c.example>", "ab@c.example", "ab@c.example" },
    { "<a(c)@c.example>", "a@c.example", NULL },
    { "<postmaster>", "postmaster", "postmaster" },
    { "<b!a>", "b!a", "b!a" },
    { "< a@b.example >", "a@b.example", "a@b.example" },
    { "<a @ b.example>", "a@b.example", "a@b.example" },
    { "<a;b@c.example>", NULL, NULL },
    { "<a@b.example:25>", NULL, NULL },
    { "<a@[192.0.2.1]:25>", NULL, NULL },
    { "foo:a@b.example;", NULL, NULL },
};

static void check(const char *text, unsigned flags, const char *expected)
{
    struct arena *arena = arena_create();
    struct str rest = str_from_c(text);
    struct smtp_path path = { .address = STR("untouched") };
    struct failure why;
    bool is_taken = smtp_path_take(&rest, flags, arena, &path, &why);

    EXPECT_STR(str_from_c(is_taken == (expected != NULL) ? "" : text), STR(""));
    if (expected != NULL)
        EXPECT_STR(path.address, str_from_c(expected));
    else
        EXPECT_INT(why.kind, FAILURE_PROTOCOL);
    arena_destroy(&arena);
}

TEST(paths_are_taken_and_refused_as_postfix_does)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        check(cases[i].text, LENIENT, cases[i].lenient);
        check(cases[i].text, STRICT, cases[i].strict);
    }
}

TEST(the_null_path_is_no_recipient)
{
    check("<>", 0, NULL);
    check("<\"\">", SMTP_PATH_STRICT, NULL);
}

TEST(utf8_is_checked_when_it_was_asked_for)
{
    check("<a@\xc3\xa9.example>", SMTP_PATH_MAY_BE_UTF8, "a@\xc3\xa9.example");
    check("<\xff@b.example>", SMTP_PATH_MAY_BE_UTF8, NULL);
    check("<\xff@b.example>", 0, "\xff@b.example");
}

TEST(parameters_follow_the_path)
{
    struct arena *arena = arena_create();
    struct str rest = STR(" <\"a> b\"@c.example>  SIZE=100 BODY=8BITMIME\tSMTPUTF8 X=a=b");
    struct str name, value;
    struct smtp_path path;
    struct failure why;

    EXPECT(smtp_path_take(&rest, 0, arena, &path, &why));
    EXPECT_STR(path.address, STR("a> b@c.example"));
    EXPECT_STR(path.external, STR("\"a> b\"@c.example"));
    EXPECT_FALSE(path.has_utf8);
    EXPECT(smtp_path_take_parameter(&rest, &name, &value));
    EXPECT_STR(name, STR("SIZE"));
    EXPECT_STR(value, STR("100"));
    EXPECT(smtp_path_take_parameter(&rest, &name, &value));
    EXPECT(smtp_path_take_parameter(&rest, &name, &value));
    EXPECT_STR(name, STR("SMTPUTF8"));
    EXPECT_STR(value, STR(""));
    EXPECT(smtp_path_take_parameter(&rest, &name, &value));
    EXPECT_STR(value, STR("a=b"));
    EXPECT_FALSE(smtp_path_take_parameter(&rest, &name, &value));
    arena_destroy(&arena);
}
