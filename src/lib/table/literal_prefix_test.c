/* SPDX-License-Identifier: Apache-2.0 */
#include "table/literal_prefix.h"

#include "unit.h"

TEST(only_what_must_stand_at_the_start_is_a_prefix)
{
    static const struct {
        const char *pattern;
        bool ignores_case;
        const char *prefix;
    } cases[] = {
        { "^abc", false, "abc" },    { "^ABC$", true, "abc" },
        { "^ABC$", false, "ABC" },   { "abc", false, "" },
        { "^abc*d", false, "ab" },   { "^a?b", false, "" },
        { "^ab{2}", false, "a" },    { "^ab+", false, "a" },
        { "^a|b", false, "" },       { "^(abc)", false, "" },
        { "^ab(c|d)", false, "" },   { "^user\\.name@example\\.test", false, "user.name@examp" },
        { "^ab\\.*c", false, "ab" }, { "^ab\\d", false, "ab" },
        { "^ab\\Qx", false, "ab" },  { "^ab[cd]", false, "ab" },
        { "^ab.c", false, "ab" },    { "^Subject: x", true, "subject: x" },
        { "^ab\\", false, "ab" },    { "^", false, "" },
        { "", false, "" },           { "^\\^x", false, "^x" },
        { "^(?i)ab", false, "" },    { "^ab(?#comment)*", false, "" },
        { "^ab\\E*", false, "" },    { "^ab\xc3\xa9", true, "ab" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct literal_prefix prefix = literal_prefix_of(str_from_c(cases[i].pattern), cases[i].ignores_case);

        EXPECT_STR(str_make(prefix.text, prefix.len), str_from_c(cases[i].prefix));
    }
}

TEST(a_text_fits_or_not)
{
    struct literal_prefix prefix = literal_prefix_of(STR("^AbC"), true);

    EXPECT(literal_prefix_fits(&prefix, true, STR("aBcd")));
    EXPECT_FALSE(literal_prefix_fits(&prefix, true, STR("ab")));
    EXPECT_FALSE(literal_prefix_fits(&prefix, true, STR("abd")));
    prefix = literal_prefix_of(STR("^AbC"), false);
    EXPECT_FALSE(literal_prefix_fits(&prefix, false, STR("abC")));
}
