/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/strange_characters.h"

#include "unit.h"

/* The characters of a set, in their order. */
static void expect_set(const char *text, const char *expected, size_t count)
{
    struct character_set set;
    size_t found = 0;

    character_set_parse(&set, str_from_c(text));
    EXPECT(set.is_empty == (text[0] == '\0'));
    for (size_t i = 0; i < 256; i++) {
        if (!set.has[i])
            continue;
        EXPECT_UINT(i, found < count ? (unsigned char) expected[found] : 999);
        found++;
    }
    EXPECT_UINT(found, count);
}

TEST(a_set_has_characters_and_escapes)
{
    expect_set("", "", 0);
    expect_set("ba", "ab", 2);
    expect_set("\\0", "\0", 1);
    expect_set("\\0018",
               "\1"
               "8",
               2);
    expect_set("\\346\\\\", "\\\346", 2);
    expect_set("\\a\\b\\f\\r\\t\\v", "\a\b\t\v\f\r", 6);
    /* What no escape begins stands for itself. */
    expect_set("\\x\\", "\\x", 2);
    /* The end of a line cannot be taken away. */
    expect_set("\\n", "", 0);
}

struct passage {
    struct character_set rejected;
    struct character_set stripped;
    struct strange_characters strange;
    struct strbuf text;
    struct strbuf begun; /* of lines with a rejected character */
};

static void begin(struct passage *passage, const char *rejected, const char *stripped)
{
    character_set_parse(&passage->rejected, str_from_c(rejected));
    character_set_parse(&passage->stripped, str_from_c(stripped));
    strange_characters_init(&passage->strange, &passage->rejected, &passage->stripped);
    strbuf_init(&passage->text, 10000);
    strbuf_init(&passage->begun, 10000);
}

static void pass(struct passage *passage, const char *text)
{
    struct str piece = str_from_c(text);
    struct str line;

    while (piece.len > 0) {
        if (strange_characters_take(&passage->strange, &piece, &line))
            strbuf_printf(&passage->begun, "[%.*s]", STR_ARG(strbuf_str(&passage->strange.begun)));
        strbuf_append(&passage->text, line);
    }
}

static void end(struct passage *passage)
{
    strange_characters_done(&passage->strange);
    strbuf_done(&passage->text);
    strbuf_done(&passage->begun);
}

TEST(characters_are_taken_out_and_line_ends_stay)
{
    struct passage passage;

    begin(&passage, "", "q\\t");
    pass(&passage, "aq\tb\nqq");
    pass(&passage, "q\n\nend");
    EXPECT_TEXT(strbuf_c(&passage.text), "ab\n\n\nend");
    EXPECT_TEXT(strbuf_c(&passage.begun), "");
    end(&passage);
}

TEST(a_line_with_a_rejected_character_is_told_by_its_beginning_however_it_comes)
{
    struct passage passage;

    begin(&passage, "X", "q");
    pass(&passage, "fine\nbeg");
    pass(&passage, "in q");
    pass(&passage, "X more\nfine\nX");
    EXPECT_TEXT(strbuf_c(&passage.begun), "[begin qX more\n][X]");
    end(&passage);
}

TEST(of_a_long_line_no_more_is_kept_than_is_told)
{
    struct passage passage;

    begin(&passage, "X", "");
    for (size_t i = 0; i < 100; i++)
        pass(&passage, "0123456789");
    pass(&passage, "X\nX\n");
    EXPECT_UINT(str_find_char(strbuf_str(&passage.begun), ']'), 201);
    EXPECT(str_ends_with(strbuf_str(&passage.begun), STR("[X\n]")));
    end(&passage);
}
