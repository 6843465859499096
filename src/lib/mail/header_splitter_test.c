/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/header_splitter.h"

#include "unit.h"

/* Writes what comes out as "[F:field]", "[H]", and body bytes, feeding pieces of the given size. */
static void split(struct strbuf *out, struct str text, size_t piece, size_t limit)
{
    struct header_splitter splitter;
    bool is_last = false;

    header_splitter_init(&splitter, limit);
    strbuf_clear(out);
    while (!is_last) {
        struct str input = str_part(text, 0, piece);
        enum header_splitter_event event;
        struct str found;

        text = str_from(text, piece);
        is_last = text.len == 0;
        while ((event = header_splitter_next(&splitter, &input, is_last, &found)) != SPLITTER_MORE) {
            if (event == SPLITTER_FIELD)
                strbuf_printf(out, "[F:%.*s]", STR_ARG(found));
            else if (event == SPLITTER_HEADER_END)
                strbuf_append(out, STR("[H]"));
            else
                strbuf_append(out, found);
        }
    }
    header_splitter_done(&splitter);
}

static const struct {
    const char *text;
    const char *found;
} cases[] = {
    { "", "[H]" },
    { "A: 1\nB: 2\n\nbody\nmore", "[F:A: 1][F:B: 2][H]body\nmore" },
    { "A: 1\n 2\n\t3\nB:\n\n\nbody\n", "[F:A: 1\n 2\n\t3][F:B:][H]\nbody\n" },
    { "A: 1", "[F:A: 1][H]" },
    { "A: 1\n", "[F:A: 1][H]" },
    { "A: 1\nnot a header\nC: 3\n", "[F:A: 1][H]not a header\nC: 3\n" },
    { "no header", "[H]no header" },
    { " A: 1\n\nx", "[H] A: 1\n\nx" },
    { "\nbody\n", "[H]body\n" },
    { "A: 1\n\n", "[F:A: 1][H]" },
};

TEST(a_message_comes_apart_the_same_however_it_is_cut)
{
    struct strbuf out;

    strbuf_init(&out, 10000);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        for (size_t piece = 1; piece < 20; piece++) {
            split(&out, str_from_c(cases[i].text), piece, 1000);
            EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].found));
        }
    }
    strbuf_done(&out);
}

TEST(what_a_field_has_too_much_is_dropped_and_a_long_body_line_is_not)
{
    struct strbuf out;

    strbuf_init(&out, 10000);
    for (size_t piece = 1; piece < 30; piece++) {
        split(&out, STR("A: 123456789\nB: 1\n 23456789\n x\nC: 3\n\n0123456789abcdef\n"), piece, 8);
        EXPECT_STR(strbuf_str(&out), STR("[F:A: 12345][F:B: 1\n 23][F:C: 3][H]0123456789abcdef\n"));
        split(&out, STR("A: 123456789012345\n 2\nB: 12345678901\n 234567\n 3\nC: 12345678901\n 2345\n"), piece, 20);
        EXPECT_STR(strbuf_str(&out),
                   STR("[F:A: 123456789012345][F:B: 12345678901\n 2345][F:C: 12345678901\n 2345][H]"));
        split(&out, STR("0123456789abcdefghij\nA: x\n"), piece, 8);
        EXPECT_STR(strbuf_str(&out), STR("[H]0123456789abcdefghij\nA: x\n"));
        split(&out, STR("A: 1\n0123456789abcdefghij\nA: x\n"), piece, 8);
        EXPECT_STR(strbuf_str(&out), STR("[F:A: 1][H]0123456789abcdefghij\nA: x\n"));
    }
    strbuf_done(&out);
}
