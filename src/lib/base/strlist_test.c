/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strlist.h"

#include "unit.h"

TEST(a_list_keeps_its_order_while_it_grows)
{
    struct arena *arena = arena_create();
    struct strlist list = { 0 };

    for (char c = 'a'; c <= 'z'; c++)
        strlist_add(&list, arena, str_make(&c, 1)); /* a copy: c is another one at the next turn */
    EXPECT_UINT(list.count, 26);
    EXPECT_STR(list.items[0], STR("a"));
    EXPECT_STR(list.items[8], STR("i"));
    EXPECT_STR(list.items[25], STR("z"));
    arena_destroy(&arena);
}

TEST(a_view_is_not_copied)
{
    struct arena *arena = arena_create();
    struct strlist list = { 0 };
    char text[] = "before";

    strlist_add_view(&list, arena, str_from_c(text));
    memcpy(text, "behind", 6);
    EXPECT_STR(list.items[0], STR("behind"));
    arena_destroy(&arena);
}

TEST(what_is_in_a_list_is_found)
{
    static const struct {
        const char *text;
        bool is_there, is_there_nocase;
    } rows[] = { { "yes", true, true }, { "Yes", false, true }, { "ye", false, false }, { "", false, false } };
    struct arena *arena = arena_create();
    struct strlist list = { 0 };

    strlist_add(&list, arena, STR("no"));
    strlist_add(&list, arena, STR("yes"));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(strlist_contains(&list, str_from_c(rows[i].text)) == rows[i].is_there);
        EXPECT(strlist_contains_nocase(&list, str_from_c(rows[i].text)) == rows[i].is_there_nocase);
    }
    EXPECT_FALSE(strlist_contains(&(struct strlist){ 0 }, STR("no")));
    arena_destroy(&arena);
}

TEST(words_are_split_at_any_of_a_set)
{
    static const struct {
        const char *text, *set;
        size_t count;
        const char *last;
    } rows[] = {
        { "a, b ,c", ", ", 3, "c" }, { "  a  ", " ", 1, "a" },     { "a,b", ":", 1, "a,b" },
        { ",, ,", ", ", 0, NULL },   { "one:two", ":", 2, "two" },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct strlist list = strlist_split(arena, str_from_c(rows[i].text), rows[i].set);

        EXPECT_UINT(list.count, rows[i].count);
        if (list.count > 0)
            EXPECT_STR(list.items[list.count - 1], str_from_c(rows[i].last));
    }
    arena_destroy(&arena);
}
