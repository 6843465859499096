/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "unit.h"

TEST(a_map_keeps_replaces_and_forgets)
{
    struct map *map = map_create();
    int one, two;

    EXPECT(map_get(map, STR("a")) == NULL);
    EXPECT(map_set(map, STR("a"), &one) == NULL);
    EXPECT(map_set(map, STR("a"), &two) == &one);
    EXPECT(map_get(map, STR("a")) == &two);
    EXPECT_UINT(map_count(map), 1);
    EXPECT(map_remove(map, STR("a")) == &two);
    EXPECT(map_remove(map, STR("a")) == NULL);
    map_destroy(&map);
}

TEST(a_walk_follows_the_order_of_insertion_and_may_remove)
{
    struct map *map = map_create();
    struct map_entry *entry, *next;
    char keys[4] = "";
    int value;
    size_t count = 0;

    map_set(map, STR("z"), &value);
    map_set(map, STR("a"), &value);
    map_set(map, STR("m"), &value);
    for (entry = map_first(map); entry != NULL; entry = next) {
        next = map_next(entry);
        keys[count++] = map_entry_key(entry).data[0];
        map_remove(map, map_entry_key(entry));
    }
    EXPECT_TEXT(keys, "zam");
    EXPECT_UINT(map_count(map), 0);
    map_destroy(&map);
}
