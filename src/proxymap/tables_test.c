/* SPDX-License-Identifier: Apache-2.0 */
#include "proxymap/tables.h"

#include "unit.h"

TEST(only_listed_tables_are_opened)
{
    struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    struct arena *arena = arena_create();
    struct strlist words = strlist_split(
        arena, STR("proxy:static:a, static:b proxy:unix:passwd.byname hash:/x proxy:proxy:static:c"), ", ");
    struct proxymap_tables *tables = proxymap_tables_create(arena, set, &words);

    EXPECT(proxymap_tables_find(tables, STR("static:a"), 0) != NULL);
    EXPECT(proxymap_tables_find(tables, STR("static:a"), TABLE_FOLD) != NULL);
    EXPECT(proxymap_tables_find(tables, STR("static:c"), 0) != NULL);
    EXPECT(proxymap_tables_find(tables, STR("unix:passwd.byname"), 0) != NULL);
    EXPECT(proxymap_tables_find(tables, STR("static:b"), 0) == NULL);
    EXPECT(proxymap_tables_find(tables, STR("proxy:static:a"), 0) == NULL);
    EXPECT(proxymap_tables_find(tables, STR(""), 0) == NULL);
    arena_destroy(&arena);
    table_set_destroy(&set);
}

TEST(servers_that_a_parameter_names_are_asked)
{
    struct table_set_options options = { 0 };
    struct table_set *set = table_set_create(&options);
    struct arena *arena = arena_create();
    struct strlist none = { 0 };
    struct proxymap_tables *tables = proxymap_tables_create(arena, set, &none);

    proxymap_tables_add_remote(tables, STR("permit_mynetworks, check_client_access tcp:a:1, hash:/x proxy:tcp:b:1, "
                                           "pipemap:{inline:{a=b}, unionmap:{socketmap:unix:c:n, hash:/y}}"));
    EXPECT(proxymap_tables_allow(tables, STR("tcp:a:1")));
    EXPECT(proxymap_tables_allow(tables, STR("socketmap:unix:c:n")));
    EXPECT_FALSE(proxymap_tables_allow(tables, STR("tcp:b:1")));
    EXPECT_FALSE(proxymap_tables_allow(tables, STR("hash:/x")));
    EXPECT_FALSE(proxymap_tables_allow(tables, STR("hash:/y")));
    arena_destroy(&arena);
    table_set_destroy(&set);
}
