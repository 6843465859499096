/* SPDX-License-Identifier: Apache-2.0 */
#include "log/text.h"
#include "unit.h"

TEST(a_long_line_is_cut_and_no_character_is_halved)
{
    struct strbuf line;

    strbuf_init(&line, 100);
    log_text_neuter(&line, STR("abc\xc3\xa9"), 4, true);
    EXPECT_STR(strbuf_str(&line), STR("abc"));
    strbuf_clear(&line);
    log_text_neuter(&line, STR("abcdef"), 4, true);
    EXPECT_STR(strbuf_str(&line), STR("abcd"));
    strbuf_done(&line);
}

TEST(utf8_is_shown_only_where_it_may_be)
{
    struct strbuf line;

    strbuf_init(&line, 100);
    log_text_neuter(&line, STR("a\xc3\xa9\xffz"), 100, true);
    EXPECT_STR(strbuf_str(&line), STR("a\xc3\xa9?z"));
    strbuf_clear(&line);
    log_text_neuter(&line, STR("a\xc3\xa9\xffz"), 100, false);
    EXPECT_STR(strbuf_str(&line), STR("a???z"));
    strbuf_done(&line);
}

TEST(each_byte_is_judged_alone_wherever_it_stands)
{
    struct strbuf line;

    strbuf_init(&line, 100);
    for (int byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < 18; place++) {
            char text[] = "abcdefghijklmnopqr", expected[] = "abcdefghijklmnopqr";

            text[place] = (char) byte;
            expected[place] = byte >= ' ' && byte < 127 ? (char) byte : '?';
            strbuf_clear(&line);
            log_text_neuter(&line, str_make(text, 18), 100, false);
            EXPECT_STR(strbuf_str(&line), str_make(expected, 18));
        }
    }
    strbuf_done(&line);
}

TEST(what_is_escaped_can_be_read_again)
{
    CLEANUP(strbuf_done) struct strbuf line;

    strbuf_init(&line, 100);
    log_text_escape(&line, str_make("a\r\n\t\\\033\377", 7));
    EXPECT_STR(strbuf_str(&line), STR("a\\r\\n\\t\\\\\\033\\377"));
}
