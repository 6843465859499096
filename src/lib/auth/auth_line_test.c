/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/auth_line.h"

#include "unit.h"

TEST(a_line_is_a_verb_and_fields)
{
    struct arena *arena = arena_create();
    struct auth_line line;
    struct str value;
    uint32_t number;

    auth_line_parse(&line, STR("OK\t17\tuser=a\001tb\0011\tother=\tflag\tuser=second"), arena);
    EXPECT_INT(line.verb, AUTH_VERB_OK);
    EXPECT_UINT(line.count, 5);
    EXPECT(auth_line_number(&line, 0, &number));
    EXPECT_UINT(number, 17);
    EXPECT(auth_line_find(&line, 1, "user", &value));
    EXPECT_STR(value, STR("a\tb\001"));
    EXPECT(auth_line_find(&line, 1, "other", &value));
    EXPECT_STR(value, STR(""));
    EXPECT(auth_line_has(&line, 1, "flag"));
    EXPECT_FALSE(auth_line_has(&line, 1, "user"));
    EXPECT_FALSE(auth_line_find(&line, 1, "flag", &value));
    arena_destroy(&arena);
}

TEST(odd_lines_are_lines)
{
    static const struct {
        const char *text;
        enum auth_verb verb;
        size_t count;
    } rows[] = {
        { "", AUTH_VERB_OTHER, 0 },       { "ok\t1", AUTH_VERB_OTHER, 1 },        { "DONE", AUTH_VERB_DONE, 0 },
        { "FAIL", AUTH_VERB_FAIL, 0 },    { "FAIL\t", AUTH_VERB_FAIL, 1 },        { "\t", AUTH_VERB_OTHER, 1 },
        { "OK\001", AUTH_VERB_OTHER, 0 }, { "CONT\t1\t\001", AUTH_VERB_CONT, 2 },
    };
    struct arena *arena = arena_create();
    struct auth_line line;
    uint32_t number;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        auth_line_parse(&line, str_from_c(rows[i].text), arena);
        EXPECT_INT(line.verb, rows[i].verb);
        EXPECT_UINT(line.count, rows[i].count);
    }
    auth_line_parse(&line, STR("OK\t4294967296\t-1\tx"), arena);
    for (size_t i = 0; i < 4; i++)
        EXPECT_FALSE(auth_line_number(&line, i, &number));
    arena_destroy(&arena);
}

TEST(what_is_written_is_read)
{
    struct arena *arena = arena_create();
    struct auth_line line;
    struct strbuf out;
    struct str value;

    strbuf_init(&out, 200);
    auth_line_begin(&out, "AUTH");
    auth_line_add_number(&out, 5);
    auth_line_add(&out, str_make("a\0b\tc\nd\re\001f", 11));
    auth_line_add_value(&out, "resp", STR("x\ty"));
    auth_line_end(&out);
    EXPECT_STR(strbuf_str(&out), STR("AUTH\t5\ta\0010b\001tc\001nd\001re\0011f\tresp=x\001ty\n"));
    auth_line_parse(&line, str_part(strbuf_str(&out), 0, out.len - 1), arena);
    EXPECT_INT(line.verb, AUTH_VERB_AUTH);
    EXPECT_STR(line.fields[1], str_make("a\0b\tc\nd\re\001f", 11));
    EXPECT(auth_line_find(&line, 2, "resp", &value));
    EXPECT_STR(value, STR("x\ty"));
    strbuf_done(&out);
    arena_destroy(&arena);
}

TEST(base64_is_whole)
{
    static const struct {
        const char *text;
        bool is_good;
    } rows[] = {
        { "", true },      { "AAAA", true },   { "AA==", true },   { "AAA=", true },  { "+/09", true },
        { "=", false },    { "A===", false },  { "AAA", false },   { "AA=A", false }, { "====", false },
        { "AA A", false }, { "A\tAA", false }, { "AAA\n", false }, { "*", false },    { "AA==AAAA", false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        EXPECT_INT(auth_is_base64(str_from_c(rows[i].text)), rows[i].is_good);
}
