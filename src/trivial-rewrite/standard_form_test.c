/* SPDX-License-Identifier: Apache-2.0 */
#include "trivial-rewrite/standard_form.h"

#include "unit.h"

static void expect_form(const struct standard_form_rules *rules, const char *address, const char *expected)
{
    struct arena *arena = arena_create();

    EXPECT_STR(standard_form(rules, str_from_c(address), arena), str_from_c(expected));
    arena_destroy(&arena);
}

static const struct standard_form_rules local = { { "example.com", 11 }, { "example.com", 11 }, true, true };
static const struct standard_form_rules remote = { { "", 0 }, { "", 0 }, true, true };

/* What stock Postfix's trivial-rewrite answers in the contexts local and remote. */
TEST(addresses_become_what_postfix_makes_of_them)
{
    static const struct {
        const char *address;
        const char *local;
        const char *remote;
    } cases[] = {
        { "foo", "foo@example.com", "foo" },
        { "foo@bar", "foo@bar.example.com", "foo@bar" },
        { "foo@bar.", "foo@bar", "foo@bar" },
        { "foo@bar.test.", "foo@bar.test", "foo@bar.test" },
        { "foo@bar..", "foo@bar..", "foo@bar.." },
        { "foo@", "foo@", "foo@" },
        { "@", "\"\"", "\"\"" },
        { "@foo", "\"\"@foo.example.com", "\"\"@foo" },
        { "@a,@b:foo@c", "foo@c.example.com", "foo@c" },
        { "@a.test:foo", "foo@example.com", "foo" },
        { "a!b", "b@a.example.com", "b@a" },
        { "a!b!c", "b!c@a.example.com", "b!c@a" },
        { "a.test!b", "b@a.test", "b@a.test" },
        { "a!b@c", "a!b@c.example.com", "a!b@c" },
        { "!b", "b@", "b@" },
        { "a!", "\"\"@a.example.com", "\"\"@a" },
        { "foo%bar", "foo@bar.example.com", "foo@bar" },
        { "foo%bar%baz", "foo%bar@baz.example.com", "foo%bar@baz" },
        { "foo%bar@x", "foo%bar@x.example.com", "foo%bar@x" },
        { "foo%bar!baz", "baz@foo%bar.example.com", "baz@foo%bar" },
        { "%foo", "\"\"@foo.example.com", "\"\"@foo" },
        { "\"foo bar\"@x", "\"foo bar\"@x.example.com", "\"foo bar\"@x" },
        { "\"foo%bar\"", "foo%bar@example.com", "foo%bar" },
        { "\"foo!bar\"", "foo!bar@example.com", "foo!bar" },
        { "foo@[1.2.3.4]", "foo@[1.2.3.4]", "foo@[1.2.3.4]" },
        { "foo@[127.0.0.1].", "foo@[127.0.0.1]", "foo@[127.0.0.1]" },
        { "a@b@c", "\"a@b\"@c.example.com", "\"a@b\"@c" },
        { "\"a@b\"@c", "\"a@b\"@c.example.com", "\"a@b\"@c" },
        { "foo+ext", "foo+ext@example.com", "foo+ext" },
        { "foo.", "\"foo.\"@example.com", "foo" },
        { "foo..", "\"foo..\"@example.com", "\"foo..\"" },
        { "\"foo.\"", "\"foo.\"@example.com", "\"foo.\"" },
        { "foo@bar%baz", "foo@bar%baz.example.com", "foo@bar%baz" },
        { "", "", "" },
        { "\"\"", "\"\"", "\"\"" },
        { "\"\"@x", "\"\"@x.example.com", "\"\"@x" },
        { "foo@BAR", "foo@BAR.example.com", "foo@BAR" },
        { "foo@.bar", "foo@.bar", "foo@.bar" },
        { "\\a@b", "a@b.example.com", "a@b" },
        { "\"a\\\"b\"@x", "\"a\\\"b\"@x.example.com", "\"a\\\"b\"@x" },
        { "\xc3\xa9@x", "\xc3\xa9@x.example.com", "\xc3\xa9@x" },
        { ".foo@x", "\".foo\"@x.example.com", "\".foo\"@x" },
        { "\"foo\"@x", "foo@x.example.com", "foo@x" },
        { "\"foo\"", "foo@example.com", "foo" },
        { "x@a!b", "x@a!b.example.com", "x@a!b" },
    };
    size_t i;

    for (i = 0; i < ARRAY_COUNT(cases); i++) {
        expect_form(&local, cases[i].address, cases[i].local);
        expect_form(&remote, cases[i].address, cases[i].remote);
    }
}

TEST(forms_of_old_are_left_alone_when_switched_off)
{
    const struct standard_form_rules rules = { STR("example.com"), STR("example.com"), false, false };

    expect_form(&rules, "a!b", "a!b@example.com");
    expect_form(&rules, "a%b", "a%b@example.com");
}

TEST(broken_quoting_is_bounded)
{
    expect_form(&remote, "\"abc", "abc");
    expect_form(&remote, "abc\\", "\"abc\\\\\"");
    expect_form(&remote, "@a:@b:c@d", "\"@b:c\"@d");
}
