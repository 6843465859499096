/* SPDX-License-Identifier: Apache-2.0 */
#include "config/lines.h"

#include "unit.h"

/* All lines as "number:text" with "!" for one without start, joined by "|". */
static void expect_lines(const char *text, const char *expected)
{
    struct logical_lines lines = logical_lines_over(str_from_c(text));
    struct logical_line line;
    struct strbuf buffer;
    struct strbuf all;

    strbuf_init(&buffer, 1000);
    strbuf_init(&all, 1000);
    while (logical_lines_next(&lines, &buffer, &line))
        strbuf_printf(&all, "%s%s%u:%.*s", all.len > 0 ? "|" : "", line.is_without_start ? "!" : "", line.number,
                      STR_ARG(line.text));
    EXPECT_TEXT(strbuf_c(&all), expected);
    strbuf_done(&buffer);
    strbuf_done(&all);
}

TEST(lines_are_joined_and_keep_the_number_of_their_first)
{
    static const struct {
        const char *text, *lines;
    } rows[] = {
        { "", "" },
        { "\n# no\n  \n", "" },
        { "a\nb\n", "1:a|2:b" },
        { "a\n b\n\tc\nd", "1:a b\tc|4:d" },
        { "a\n# between\n\n b\n", "1:a b" },
        { "# first\n\na\n   # no continuation\nb", "3:a|5:b" },
        { "a\r\nb\r\n", "1:a|2:b" },
        { "  a\nb", "!1:  a|2:b" },
        { "a", "1:a" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        expect_lines(rows[i].text, rows[i].lines);
}
