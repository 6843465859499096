/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/quote.h"

#include "unit.h"

static const struct {
    const char *internal;
    const char *external;
} cases[] = {
    { "", "" },
    { "user@example.com", "user@example.com" },
    { "a.b@c", "a.b@c" },
    { "a b@c", "\"a b\"@c" },
    { "a..b@c", "\"a..b\"@c" },
    { ".a@c", "\".a\"@c" },
    { "a.@c", "\"a.\"@c" },
    { "a\"b\\c@d", "\"a\\\"b\\\\c\"@d" },
    { "a@b@c", "\"a@b\"@c" },
    { "@c", "\"\"@c" },
    { "root", "root" },
    { "a b", "\"a b\"" },
    { "a,b@c", "\"a,b\"@c" },
    { "a%b!c/d=e@f", "a%b!c/d=e@f" },
    { "\xc3\xa9@c", "\xc3\xa9@c" },
    { "a\x01@c", "\"a\x01\"@c" },
    { "a@[192.0.2.1]", "a@[192.0.2.1]" },
};

TEST(local_parts_are_quoted_when_they_must_be_and_come_back)
{
    struct strbuf out;

    strbuf_init(&out, 1000);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        strbuf_clear(&out);
        EXPECT(quote_address(&out, str_from_c(cases[i].internal)));
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].external));
        strbuf_clear(&out);
        EXPECT(quote_undo(&out, str_from_c(cases[i].external)));
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].internal));
    }
    strbuf_done(&out);
}

TEST(unquoting_takes_whatever_is_there)
{
    struct strbuf out;

    strbuf_init(&out, 1000);
    EXPECT(quote_undo(&out, STR("a@\"b\"@c\\")));
    EXPECT_STR(strbuf_str(&out), STR("a@b@c\\"));
    strbuf_clear(&out);
    EXPECT(quote_undo(&out, STR("\\a\\b\"c")));
    EXPECT_STR(strbuf_str(&out), STR("abc"));
    strbuf_done(&out);
}

TEST(a_full_buffer_is_told)
{
    struct strbuf out;

    strbuf_init(&out, 4);
    EXPECT_FALSE(quote_address(&out, STR("a b@c")));
    EXPECT_FALSE(quote_address(&out, STR("")));
    strbuf_clear(&out);
    EXPECT_FALSE(quote_undo(&out, STR("abcdef@x")));
    strbuf_done(&out);
}
