/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/piece_cutter.h"

#include "unit.h"

/* Each piece in brackets, "<" where it starts a line and ">" where it ends one. */
static void expect_pieces(const char *text, size_t limit, const char *expected)
{
    for (size_t size = 1; size < 30; size++) {
        struct str rest = str_from_c(text);
        struct piece_cutter cutter;
        struct strbuf shown;
        struct piece piece;

        strbuf_init(&shown, 1000);
        piece_cutter_init(&cutter, limit);
        for (bool is_last = false; !is_last; rest = str_from(rest, size)) {
            struct str part = str_part(rest, 0, size);

            is_last = part.len == 0;
            while (piece_cutter_take(&cutter, &part, is_last, &piece))
                strbuf_printf(&shown, "%s%.*s%s", piece.starts_line ? "<" : "[", STR_ARG(piece.text),
                              piece.ends_line ? ">" : "]");
            EXPECT_UINT(part.len, 0);
        }
        EXPECT_STR(strbuf_str(&shown), str_from_c(expected));
        piece_cutter_done(&cutter);
        strbuf_done(&shown);
    }
}

TEST(lines_come_whole)
{
    expect_pieces("one\n\ntwo\n", 10, "<one><><two>");
    expect_pieces("one\ntwo", 10, "<one><two]");
    expect_pieces("", 10, "");
}

TEST(long_lines_come_in_pieces_and_the_last_has_the_line_end)
{
    expect_pieces("1234\n12345\n", 4, "<1234><1234][5>");
    expect_pieces("123456789", 4, "<1234][5678][9]");
    expect_pieces("1234", 4, "<1234]");
    expect_pieces("12345678\nx\n", 4, "<1234][5678><x>");
}

TEST(text_may_pass_by)
{
    struct str input = STR("x\n");
    struct piece_cutter cutter;
    struct piece piece;

    piece_cutter_init(&cutter, 10);
    EXPECT(piece_cutter_is_empty(&cutter));
    piece_cutter_pass(&cutter, STR("ab"));
    EXPECT(piece_cutter_take(&cutter, &input, false, &piece) && !piece.starts_line);
    input = STR("y");
    EXPECT_FALSE(piece_cutter_take(&cutter, &input, false, &piece));
    EXPECT_FALSE(piece_cutter_is_empty(&cutter));
    input = STR("\n");
    EXPECT(piece_cutter_take(&cutter, &input, false, &piece) && piece.starts_line);
    EXPECT_STR(piece.text, STR("y"));
    EXPECT(piece_cutter_is_empty(&cutter));
    piece_cutter_pass(&cutter, STR("a\n"));
    EXPECT(cutter.starts_line);
    piece_cutter_done(&cutter);
}
