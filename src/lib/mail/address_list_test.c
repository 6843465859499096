/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/address_list.h"

#include "unit.h"

/* "address|phrase|group;" for each item, in order. */
static void describe(const struct address_list *list, struct strbuf *out)
{
    for (size_t i = 0; i < list->count; i++)
        strbuf_printf(out, "%.*s|%.*s|%.*s;", STR_ARG(list->items[i].address), STR_ARG(list->items[i].phrase),
                      STR_ARG(list->items[i].group));
}

static const struct {
    const char *text;
    const char *items;
} cases[] = {
    { "", "" },
    { "a@b", "a@b||;" },
    { "a@b, c@d", "a@b||;c@d||;" },
    { "John Doe <j@d>", "j@d|John Doe|;" },
    { "\"Doe, John\" <j@d>, x", "j@d|Doe, John|;x||;" },
    { "j@d (John \\( (nested) Doe)", "j@d|John ( (nested) Doe|;" },
    { "root", "root||;" },
    { "John Doe", "John||;Doe||;" },
    { "a@b c@d , \"x y\"@z", "a@b||;c@d||;x y@z||;" },
    { "\"a b\"@c", "a b@c||;" },
    { "J. Doe <j.d @ x . y>", "j.d@x.y|J. Doe|;" },
    { "undisclosed-recipients:;", "" },
    { "g: a@b, C <c@d>;, e@f", "a@b||g;c@d|C|g;e@f||;" },
    { "<@x,@y:a@b>", "a@b||;" },
    { "<>", "||;" },
    { "A <a@b, C <c@d>", "a@b|A|;c@d|C|;" },
    { "a@b,,c@d,", "a@b||;c@d||;" },
    { "a@[1.2.3.4]", "a@[1.2.3.4]||;" },
    { "a@[1.2", "a@[1.2]||;" },
    { "a@[1.2, b@c", "a@[1.2]||;b@c||;" },
    { "<a@[1.2>, b@[3", "a@[1.2]||;b@[3]||;" },
    { "a\\ b@c", "a b@c||;" },
    { "a@b\n (comment)\n\t, c@d", "a@b|comment|;c@d||;" },
    { "a:b@c;", "b@c||a;" },
    { "a:b@c", "a:b@c||;" },
    { "g:a@b; h: c@d", "a@b||g;h:c@d||;" },
    { "a@b:25", "a@b:25||;" },
    { "<a@b> junk", "a@b||;" },
    { "<a@b> <c@d>", "a@b||;" },
    { "\"unterminated", "unterminated||;" },
    { "(unterminated", "" },
    { "a@b (x", "a@b|x|;" },
    { "\xc3\xa9 <\xc3\xa9@x>", "\xc3\xa9@x|\xc3\xa9|;" },
    { "\\", "" },
    { "\"a\\\"b\" <c@d>", "c@d|a\"b|;" },
};

TEST(any_text_gives_its_addresses)
{
    struct arena *arena = arena_create();
    struct strbuf out;

    strbuf_init(&out, 10000);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct address_list list;

        address_list_parse(&list, arena, str_from_c(cases[i].text), 100);
        strbuf_clear(&out);
        describe(&list, &out);
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].items));
        strbuf_clear(&out);
        EXPECT(address_list_unparse(&list, &out));
        if (list.count < 2 || !list.items[1].lacks_comma)
            EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].text));
    }
    strbuf_done(&out);
    arena_destroy(&arena);
}

TEST(commas_that_are_not_there_are_put_in)
{
    static const char *const rows[][3] = {
        { "John Doe", "John||;Doe||;", "John, Doe" },
        { "a@b c@d , \"x y\"@z", "a@b||;c@d||;x y@z||;", "a@b, c@d , \"x y\"@z" },
        { "\"Us Er\"+Ext@x", "Us Er||;+Ext@x||;", "\"Us Er\", +Ext@x" },
        { "a\\  \"x\"", "a ||;x||;", "a\\ , \"x\"" },
        { "a (c)\n\t\"b\" ", "a|c|;b|c|;", "a (c), \"b\" " },
        { "e\"f\"@x (c), \"h\".i@j", "e|c|;f@x|c|;h.i@j||;", "e, \"f\"@x (c), \"h\".i@j" },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct address_list list;
        struct strbuf out;

        strbuf_init(&out, 1000);
        address_list_parse(&list, arena, str_from_c(rows[i][0]), 100);
        describe(&list, &out);
        EXPECT_STR(strbuf_str(&out), str_from_c(rows[i][1]));
        strbuf_clear(&out);
        EXPECT(address_list_unparse(&list, &out));
        EXPECT_STR(strbuf_str(&out), str_from_c(rows[i][2]));
        strbuf_done(&out);
    }
    arena_destroy(&arena);
}

TEST(a_rewritten_address_leaves_the_rest_as_it_was)
{
    struct arena *arena = arena_create();
    struct address_list list;
    struct strbuf out;

    address_list_parse(&list, arena, STR("  Root (me)\n\t<root>, u ( c ) @h,\"x\" <>  , keep"), 100);
    EXPECT_UINT(list.count, 4);
    list.items[0].replacement = STR("root@example.com");
    list.items[1].replacement = STR("u v@h.example.com");
    list.items[2].replacement = STR("z@z");
    strbuf_init(&out, 10000);
    EXPECT(address_list_unparse(&list, &out));
    EXPECT_STR(strbuf_str(&out), STR("  Root (me)\n\t<root@example.com>, \"u v\"@h.example.com,\"x\" <z@z>  , keep"));
    strbuf_done(&out);
    arena_destroy(&arena);
}

TEST(what_is_odd_is_counted)
{
    struct arena *arena = arena_create();
    struct address_list list;

    address_list_parse(&list, arena, STR("g:;, h:a;, <a@b> junk, ., c d@e"), 100);
    EXPECT_UINT(list.group_count, 2);
    EXPECT_UINT(list.junk_count, 2);
    EXPECT_UINT(list.count, 4);
    EXPECT(list.items[1].is_plain);
    EXPECT(list.items[1].has_brackets);
    EXPECT_FALSE(list.items[2].is_plain);
    address_list_parse(&list, arena, STR("a,b,c,d"), 2);
    EXPECT(list.is_truncated);
    EXPECT_UINT(list.count, 2);
    arena_destroy(&arena);
}

TEST(one_address_alone_is_wanted)
{
    struct arena *arena = arena_create();
    struct str address = STR("untouched");

    EXPECT_FALSE(address_list_single(arena, STR("a, b"), &address));
    EXPECT_FALSE(address_list_single(arena, STR(""), &address));
    EXPECT_FALSE(address_list_single(arena, STR("g: a;"), &address));
    EXPECT_STR(address, STR("untouched"));
    EXPECT(address_list_single(arena, STR("X <a@b>"), &address));
    EXPECT_STR(address, STR("a@b"));
    arena_destroy(&arena);
}

TEST(a_long_list_takes_time_in_proportion)
{
    struct arena *arena = arena_create();
    struct address_list list;
    struct strbuf text;

    strbuf_init(&text, STRBUF_UNLIMITED);
    for (unsigned i = 0; i < 50000; i++)
        strbuf_printf(&text, "[user%u@example.com (x), ", i);
    address_list_parse(&list, arena, strbuf_str(&text), 100000);
    EXPECT_UINT(list.count, 50000);
    strbuf_done(&text);
    arena_destroy(&arena);
}

TEST(a_route_stands_only_in_brackets)
{
    struct arena *arena = arena_create();
    struct address_list list;

    address_list_parse(&list, arena, STR("<@a,@b:u@x.example>, @a.example: v@y.example;"), 100);
    EXPECT_UINT(list.count, 2);
    EXPECT_STR(list.items[0].address, STR("u@x.example"));
    EXPECT_STR(list.items[1].address, STR("v@y.example"));
    EXPECT_STR(list.items[1].group, STR("@a.example"));
    arena_destroy(&arena);
}
