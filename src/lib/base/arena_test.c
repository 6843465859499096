/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/strlist.h"
#include "unit.h"

TEST(what_an_arena_gives_is_zeroed_even_after_a_reset)
{
    struct arena *arena = arena_create();
    char *piece = arena_alloc(arena, 100);

    memset(piece, 1, 100);
    arena_reset(arena);
    piece = arena_alloc(arena, 100);
    for (int i = 0; i < 100; i++)
        EXPECT_INT(piece[i], 0);
    arena_destroy(&arena);
    EXPECT(arena == NULL);
}

TEST(large_and_small_pieces_live_side_by_side)
{
    struct arena *arena = arena_create();
    struct str small = arena_str(arena, STR("small"));
    char *large = arena_alloc(arena, 100000);
    struct str after = arena_printf(arena, "%s-%d", "after", 7);

    memset(large, 'x', 100000);
    EXPECT_STR(small, STR("small"));
    EXPECT_STR(after, STR("after-7"));
    EXPECT(arena_size(arena) > 100000);
    arena_destroy(&arena);
}

TEST(a_list_of_strings_grows)
{
    struct arena *arena = arena_create();
    struct strlist list = strlist_split(arena, STR("a b c d e f g h i j k"), " ");

    EXPECT_UINT(list.count, 11);
    EXPECT_STR(list.items[10], STR("k"));
    EXPECT(strlist_contains_nocase(&list, STR("F")));
    EXPECT_FALSE(strlist_contains(&list, STR("F")));
    arena_destroy(&arena);
}

TEST(two_strings_are_joined)
{
    struct arena *arena = arena_create();
    struct str joined = arena_join(arena, STR("ab"), STR("c"));

    EXPECT_STR(joined, STR("abc"));
    EXPECT_TEXT(joined.data, "abc");
    EXPECT_STR(arena_join(arena, STR_EMPTY, STR("c")), STR("c"));
    EXPECT_STR(arena_join(arena, STR("ab"), STR_EMPTY), STR("ab"));
    arena_destroy(&arena);
}
