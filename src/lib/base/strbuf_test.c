/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strbuf.h"

#include "unit.h"

TEST(an_append_that_does_not_fit_adds_nothing_and_is_remembered)
{
    struct strbuf buf;

    strbuf_init(&buf, 5);
    EXPECT(strbuf_append(&buf, STR("abc")));
    EXPECT_FALSE(strbuf_append(&buf, STR("def")));
    EXPECT(strbuf_append(&buf, STR("de")));
    EXPECT_STR(strbuf_str(&buf), STR("abcde"));
    EXPECT(buf.is_overflowed);
    strbuf_clear(&buf);
    EXPECT_FALSE(buf.is_overflowed);
    strbuf_done(&buf);
}

TEST(text_is_formatted_and_consumed)
{
    struct strbuf buf;

    strbuf_init(&buf, STRBUF_UNLIMITED);
    for (int i = 0; i < 100; i++)
        EXPECT(strbuf_printf(&buf, "%d,", i));
    strbuf_consume(&buf, 4);
    EXPECT(str_starts_with(strbuf_str(&buf), STR("2,3,")));
    EXPECT_TEXT(strbuf_c(&buf) + buf.len - 3, "99,");
    strbuf_done(&buf);
    EXPECT_TEXT(strbuf_c(&buf), "");
}

TEST(reserved_room_is_filled_by_the_caller)
{
    struct strbuf buf;
    char *room;

    strbuf_init(&buf, 100);
    room = strbuf_reserve(&buf, 3);
    memcpy(room, "xyz", 3);
    strbuf_extend(&buf, 2);
    EXPECT_TEXT(strbuf_c(&buf), "xy");
    EXPECT(strbuf_reserve(&buf, 99) == NULL);
    strbuf_done(&buf);
}

TEST(a_format_fits_or_leaves_what_was_there)
{
    struct strbuf buf;

    strbuf_init(&buf, 66);
    EXPECT(strbuf_printf(&buf, "%060d", 1)); /* into the first room, of 64 */
    EXPECT(strbuf_printf(&buf, "%s", "abc"));
    EXPECT_UINT(buf.len, 63);
    EXPECT_FALSE(strbuf_printf(&buf, "%s", "defg"));
    EXPECT(buf.is_overflowed);
    EXPECT(str_ends_with(strbuf_str(&buf), STR("001abc")));
    EXPECT(strbuf_printf(&buf, "%s", "def")); /* beyond that room, up to the maximum */
    EXPECT(str_ends_with(strbuf_str(&buf), STR("001abcdef")));
    EXPECT_FALSE(strbuf_append_char(&buf, 'g'));
    EXPECT_UINT(buf.len, 66);
    strbuf_done(&buf);
}

TEST(a_number_has_as_many_digits_as_it_needs)
{
    struct strbuf buf;

    strbuf_init(&buf, 40);
    EXPECT(strbuf_append_number(&buf, 0));
    EXPECT(strbuf_append_number(&buf, 10));
    EXPECT(strbuf_append_number(&buf, UINT64_MAX));
    EXPECT_STR(strbuf_str(&buf), STR("01018446744073709551615"));
    EXPECT_FALSE(strbuf_append_number(&buf, UINT64_MAX));
    EXPECT(buf.is_overflowed);
    strbuf_done(&buf);
}
