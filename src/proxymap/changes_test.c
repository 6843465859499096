/* SPDX-License-Identifier: Apache-2.0 */
#include "proxymap/changes.h"

#include "unit.h"

static enum proxymap_status change(const struct proxymap_tables *tables, struct arena *arena, struct str table,
                                   const char *key, const char *value)
{
    struct proxymap_change request = { .table = table, .flags = TABLE_FOLD, .key = str_from_c(key) };
    struct str reason = STR_EMPTY;

    request.is_removal = value == NULL;
    if (value != NULL)
        request.value = str_from_c(value);
    return changes_make(tables, &request, arena, &reason);
}

TEST(only_listed_tables_are_changed)
{
    struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    struct arena *arena = arena_create();
    struct str name = arena_printf(arena, "hash:%s/written", unit_directory());
    struct strlist words = { 0 };
    struct proxymap_tables *tables;
    struct table *table;
    struct str value;

    strlist_add(&words, arena, arena_printf(arena, "proxy:%.*s", STR_ARG(name)));
    strlist_add(&words, arena, STR("proxy:hash:/nonexistent/x"));
    strlist_add(&words, arena, STR("proxy:static:x"));
    tables = proxymap_tables_create(arena, set, &words);
    EXPECT_INT(change(tables, arena, name, "Key", "value"), PROXYMAP_FOUND);
    EXPECT_INT(change(tables, arena, name, "key", "second"), PROXYMAP_FOUND);
    EXPECT(table_open(set, name, TABLE_FOLD, &table, NULL));
    EXPECT_INT(table_lookup(table, STR("key"), arena, &value, NULL), TABLE_FOUND);
    EXPECT_STR(value, STR("second"));
    EXPECT_INT(change(tables, arena, name, "other", NULL), PROXYMAP_ABSENT);
    EXPECT_INT(change(tables, arena, name, "KEY", NULL), PROXYMAP_FOUND);
    EXPECT_INT(change(tables, arena, name, "key", NULL), PROXYMAP_ABSENT);
    EXPECT_INT(change(tables, arena, STR("hash:/nonexistent/x"), "a", "b"), PROXYMAP_UNKNOWN);
    EXPECT_INT(change(tables, arena, STR("static:x"), "a", "b"), PROXYMAP_UNKNOWN);
    EXPECT_INT(change(tables, arena, STR("hash:/etc/unlisted"), "a", "b"), PROXYMAP_DENIED);
    arena_destroy(&arena);
    table_set_destroy(&set);
}
