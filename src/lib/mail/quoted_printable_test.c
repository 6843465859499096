/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/quoted_printable.h"

#include "unit.h"

static void expect_encoded(struct str text, const char *expected)
{
    struct strbuf line, all;

    strbuf_init(&line, QUOTED_PRINTABLE_LINE);
    strbuf_init(&all, STRBUF_UNLIMITED);
    while (quoted_printable_add(&line, &text, true)) {
        EXPECT(line.len <= QUOTED_PRINTABLE_LINE);
        strbuf_append(&all, strbuf_str(&line));
        strbuf_append_char(&all, '\n');
        strbuf_clear(&line);
    }
    EXPECT_FALSE(line.is_overflowed);
    strbuf_append(&all, strbuf_str(&line));
    EXPECT_STR(strbuf_str(&all), str_from_c(expected));
    strbuf_done(&line);
    strbuf_done(&all);
}

#define SEVENTY "1234567890123456789012345678901234567890123456789012345678901234567890"

TEST(what_is_not_plain_is_encoded)
{
    expect_encoded(STR("a = \t\xc3\xbc\x7f\x01\0~ "), "a =3D \t=C3=BC=7F=01=00~=20");
    expect_encoded(STR("\t"), "=09");
    expect_encoded(STR(""), "");
    expect_encoded(STR(".From x"), ".From x");
}

TEST(lines_have_76_bytes_at_most)
{
    expect_encoded(STR(SEVENTY "123"), SEVENTY "123");
    expect_encoded(STR(SEVENTY "1234"), SEVENTY "123=\n4");
    expect_encoded(STR(SEVENTY "12="), SEVENTY "12=3D");
    expect_encoded(STR(SEVENTY "12=="), SEVENTY "12=3D=\n=3D");
    expect_encoded(STR(SEVENTY "12 "), SEVENTY "12=20");
    expect_encoded(STR(SEVENTY "123 "), SEVENTY "123=\n=20");
}

TEST(a_line_goes_on_with_the_next_text)
{
    struct strbuf line;
    struct str text = STR("ab ");

    strbuf_init(&line, QUOTED_PRINTABLE_LINE);
    EXPECT_FALSE(quoted_printable_add(&line, &text, false));
    text = STR("c");
    EXPECT_FALSE(quoted_printable_add(&line, &text, true));
    EXPECT_STR(strbuf_str(&line), STR("ab c"));
    strbuf_done(&line);
}
