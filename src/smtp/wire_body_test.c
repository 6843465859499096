/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/wire_body.h"

#include "unit.h"

/* In pieces of the given size. */
static void expect_wire(struct str content, size_t piece, size_t limit, struct str expected)
{
    struct wire_body body;
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    wire_body_init(&body, limit);
    for (size_t i = 0; i < content.len; i += piece)
        wire_body_add(&body, str_part(content, i, piece), &out);
    wire_body_end(&body, &out);
    EXPECT_STR(strbuf_str(&out), expected);
    strbuf_done(&out);
}

TEST(content_goes_out_the_same_however_it_is_cut)
{
    static const struct {
        struct str content, wire;
    } rows[] = {
        { { "", 0 }, { ".\r\n", 3 } },
        { { "a\nb\n", 4 }, { "a\r\nb\r\n.\r\n", 9 } },
        { { "no end", 6 }, { "no end\r\n.\r\n", 11 } },
        { { ".\n..\n.x\nx.\n", 11 }, { "..\r\n...\r\n..x\r\nx.\r\n.\r\n", 21 } },
        { { "cr\r\nlf\n", 7 }, { "cr\r\nlf\r\n.\r\n", 11 } },
        { { "a\r.\n", 4 }, { "a .\r\n.\r\n", 8 } },
        { { "a\r\r\nb\n", 6 }, { "a \r\nb\r\n.\r\n", 10 } },
        { { "end\r", 4 }, { "end\r\n.\r\n", 8 } },
        { { "\0\377\n", 3 }, { "\0\377\r\n.\r\n", 7 } },
        { { "\n\n", 2 }, { "\r\n\r\n.\r\n", 7 } },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t piece = 1; piece <= rows[i].content.len + 1; piece++)
            expect_wire(rows[i].content, piece, 998, rows[i].wire);
    }
}

TEST(long_lines_are_folded)
{
    for (size_t piece = 1; piece < 12; piece++) {
        expect_wire(STR("abcdefghij\n"), piece, 4, STR("abcd\r\n efg\r\n hij\r\n.\r\n"));
        expect_wire(STR("abcd\n"), piece, 4, STR("abcd\r\n.\r\n"));
        expect_wire(STR("abc.efgh\n"), piece, 3, STR("abc\r\n .e\r\n fg\r\n h\r\n.\r\n"));
    }
    expect_wire(STR("abcdefghij\n"), 100, 0, STR("abcdefghij\r\n.\r\n"));
}

TEST(nothing_that_ends_a_message_early_can_come_out)
{
    struct wire_body body;
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    wire_body_init(&body, 998);
    wire_body_add(&body, STR("a\r.\r\nb\n.\r\nc\r\n.\r\n\r.\r"), &out);
    EXPECT_UINT(str_find(strbuf_str(&out), STR("\r\n.\r\n")), STR_NOT_FOUND);
    for (size_t i = 0; i < out.len; i++) {
        if (out.data[i] == '\r')
            EXPECT(i + 1 < out.len && out.data[i + 1] == '\n');
        if (out.data[i] == '\n')
            EXPECT(i > 0 && out.data[i - 1] == '\r');
    }
    strbuf_done(&out);
}
