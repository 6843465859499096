/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/sts_policy.h"

#include "unit.h"

TEST(a_record_names_a_policy)
{
    static const struct {
        const char *record;
        const char *id; /* NULL: there is no policy */
    } rows[] = {
        { "v=STSv1; id=20160831085700Z;", "20160831085700Z" },
        { "v=STSv1;id=1", "1" },
        { "v=STSv1 ; id=a1 ; more=thing; ", "a1" },
        { "v=STSv1; more=thing;id=a1", "a1" },
        { "v=STSv1; id=one; id=two", "one" },
        { "v=STSv1;", NULL },
        { "v=STSv1; id=", NULL },
        { "v=STSv1; id=a-b", NULL },
        { "v=STSv1; id=a; nonsense", NULL },
        { "v=STSv1; ID=a", NULL },
        { "v=STSv1; id=123456789012345678901234567890123", NULL },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str record = str_from_c(rows[i].record), id;
        struct failure why = { .kind = FAILURE_NONE };

        EXPECT(sts_record_is(record));
        EXPECT(sts_record_parse(record, &id, &why) == (rows[i].id != NULL));
        if (rows[i].id != NULL)
            EXPECT_STR(id, str_from_c(rows[i].id));
        else
            EXPECT(why.text[0] != '\0');
    }
}

TEST(other_records_are_of_no_interest)
{
    static const char *const others[] = { "",        "v=spf1 -all", "v=STSv2; id=1", "V=STSv1; id=1",
                                          "v=STSv1", " v=STSv1;",   "v=STSv10; id=1" };
    struct failure why;
    struct str id;

    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        EXPECT(!sts_record_is(str_from_c(others[i])));
        EXPECT(!sts_record_parse(str_from_c(others[i]), &id, &why));
    }
}

TEST(a_policy_has_a_mode_an_age_and_servers)
{
    struct arena *arena = arena_create();
    struct sts_policy policy;
    struct failure why;

    EXPECT(sts_policy_parse(STR("version: STSv1\r\nmode: enforce\r\nmx: Mail.example.com\r\nmx: *.example.net\r\n"
                                "max_age: 604800\r\n"),
                            arena, &policy, &why));
    EXPECT_INT(policy.mode, STS_ENFORCE);
    EXPECT_INT(duration_seconds(policy.max_age), 604800);
    EXPECT_UINT(policy.patterns.count, 2);
    EXPECT_STR(policy.patterns.items[0], STR("mail.example.com"));
    EXPECT_STR(policy.patterns.items[1], STR("*.example.net"));
    /* Unknown fields, blank lines, fields twice, a last line without an end. */
    EXPECT(sts_policy_parse(STR("mode:testing\nmode: enforce\n\nnew: x\nmax_age: 1\nmx: a.test \nversion: STSv1"),
                            arena, &policy, &why));
    EXPECT_INT(policy.mode, STS_TESTING);
    EXPECT_STR(policy.patterns.items[0], STR("a.test"));
    EXPECT(sts_policy_parse(STR("version: STSv1\nmode: none\nmax_age: 9999999999\n"), arena, &policy, &why));
    EXPECT_INT(policy.mode, STS_NONE);
    EXPECT_INT(duration_seconds(policy.max_age), 31557600);
    arena_destroy(&arena);
}

TEST(what_lacks_something_is_no_policy)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        { "", "it has no version" },
        { "mode: enforce\nmax_age: 1\nmx: a.test\n", "it has no version" },
        { "version: STSv2\nmode: enforce\nmax_age: 1\nmx: a.test\n", "its version is not STSv1" },
        { "version: STSv1\nmax_age: 1\nmx: a.test\n", "it has no mode" },
        { "version: STSv1\nmode: Enforce\nmax_age: 1\nmx: a.test\n", "its mode is not enforce, testing or none" },
        { "version: STSv1\nmode: enforce\nmx: a.test\n", "it has no max_age" },
        { "version: STSv1\nmode: enforce\nmax_age: -1\nmx: a.test\n", "its max_age is no number of seconds" },
        { "version: STSv1\nmode: enforce\nmax_age: 1d\nmx: a.test\n", "its max_age is no number of seconds" },
        { "version: STSv1\nmode: enforce\nmax_age: 1\n", "it has no mx" },
        { "version: STSv1\nmode: enforce\nmax_age: 1\nmx: *\n", "one of its mx is no name of a host" },
        { "version: STSv1\nmode: enforce\nmax_age: 1\nmx: a.*.test\n", "one of its mx is no name of a host" },
        { "version: STSv1\nmode: enforce\nmax_age: 1\nmx:\n", "one of its mx is no name of a host" },
        { "<html>\n", "it has a line without \":\"" },
    };
    struct arena *arena = arena_create();
    struct sts_policy policy;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct failure why = { .kind = FAILURE_NONE };

        EXPECT(!sts_policy_parse(str_from_c(rows[i].text), arena, &policy, &why));
        EXPECT_STR(str_from_c(why.text), str_from_c(rows[i].why));
    }
    arena_destroy(&arena);
}

TEST(a_star_is_one_label)
{
    static const struct {
        const char *host;
        bool is_one;
    } rows[] = {
        { "mx.example.com", true },
        { "MX.Example.COM", true },
        { "a.example.net", true },
        { "example.net", false },
        { "a.b.example.net", false },
        { "mx2.example.com", false },
        { ".example.net", false },
        { "", false },
        { "net", false },
    };
    struct arena *arena = arena_create();
    struct strlist patterns = strlist_split(arena, STR("mx.example.com *.example.net"), " ");

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT(sts_patterns_match(&patterns, str_from_c(rows[i].host)) == rows[i].is_one);
    arena_destroy(&arena);
}

TEST(modes_have_names)
{
    EXPECT_STR(str_from_c(sts_mode_name(STS_TESTING)), STR("testing"));
}
