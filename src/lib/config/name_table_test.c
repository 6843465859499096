/* SPDX-License-Identifier: Apache-2.0 */
#include "config/name_table.h"

#include "unit.h"

TEST(names_are_found_again_whatever_their_number)
{
    enum { NAMES = 3000 }; /* so many that buckets are shared */
    struct arena *arena = arena_create();
    struct name_table *table = name_table_create(arena);
    static int values[NAMES];

    for (int i = 0; i < NAMES; i++)
        name_table_set(table, arena_printf(arena, "name%d", i), &values[i]);
    for (int i = 0; i < NAMES; i++)
        EXPECT(name_table_get(table, arena_printf(arena, "name%d", i)) == &values[i]);
    EXPECT(name_table_get(table, STR("name3000")) == NULL);
    EXPECT(name_table_get(table, STR("Name1")) == NULL);
    arena_destroy(&arena);
}

TEST(a_name_set_again_has_the_new_value)
{
    struct arena *arena = arena_create();
    struct name_table *table = name_table_create(arena);
    int first;
    int second;

    name_table_set(table, STR("a"), &first);
    name_table_set(table, STR("a"), &second);
    EXPECT(name_table_get(table, STR("a")) == &second);
    arena_destroy(&arena);
}
