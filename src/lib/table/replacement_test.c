/* SPDX-License-Identifier: Apache-2.0 */
#include "table/replacement.h"

#include "base/strbuf.h"

#include "unit.h"

/* "text<1>text": groups in angle brackets. */
static void expect_parts(const char *text, const char *expected, unsigned highest)
{
    struct arena *arena = arena_create();
    struct replacement replacement;
    struct strbuf out;

    strbuf_init(&out, 1000);
    EXPECT(replacement_parse(str_from_c(text), arena, &replacement));
    for (size_t i = 0; i < replacement.count; i++) {
        if (replacement.parts[i].group > 0)
            strbuf_printf(&out, "<%u>", replacement.parts[i].group);
        else
            strbuf_append(&out, replacement.parts[i].text);
    }
    EXPECT_TEXT(strbuf_c(&out), expected);
    EXPECT_UINT(replacement_highest(&replacement), highest);
    strbuf_done(&out);
    arena_destroy(&arena);
}

TEST(groups_stand_in_every_spelling)
{
    static const struct {
        const char *text, *parts;
        unsigned highest;
    } rows[] = {
        { "", "", 0 },           { "plain", "plain", 0 },
        { "$1", "<1>", 1 },      { "a$1b${2}c$(13)d", "a<1>b<2>c<13>d", 13 },
        { "$2$1", "<2><1>", 2 }, { "$$1", "$1", 0 },
        { "$12", "<12>", 12 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        expect_parts(rows[i].text, rows[i].parts, rows[i].highest);
}

TEST(a_dollar_without_a_group_is_refused)
{
    static const char *const rows[] = { "$", "$a", "$0", "${1", "${1)", "$(1}", "${}", "$65536", "a$ 1" };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct replacement replacement;

        EXPECT_FALSE(replacement_parse(str_from_c(rows[i]), arena, &replacement));
    }
    arena_destroy(&arena);
}
