/* SPDX-License-Identifier: Apache-2.0 */
#include "proxymap/tables.h"

#include "table/table_list.h"

struct proxymap_tables {
    struct arena *arena;
    struct table_set *set;
    struct strlist allowed;
};

struct proxymap_tables *proxymap_tables_create(struct arena *arena, struct table_set *set, const struct strlist *words)
{
    struct proxymap_tables *tables = arena_new(arena, struct proxymap_tables);

    tables->arena = arena;
    tables->set = set;
    for (size_t i = 0; i < words->count; i++) {
        struct str name = words->items[i];

        if (!str_starts_with(name, STR("proxy:")))
            continue;
        while (str_starts_with(name, STR("proxy:")))
            name = str_from(name, strlen("proxy:"));
        strlist_add_view(&tables->allowed, arena, name);
    }
    return tables;
}

void proxymap_tables_add_remote(struct proxymap_tables *tables, struct str text)
{
    struct str word;

    while (table_list_next_word(&text, ", \t\r\n", &word)) {
        size_t brace = str_find_char(word, '{');

        if (table_is_remote(tables->set, word) && !strlist_contains(&tables->allowed, word))
            strlist_add(&tables->allowed, tables->arena, word);
        else if (brace != STR_NOT_FOUND)
            proxymap_tables_add_remote(tables,
                                       str_part(word, brace + 1, word.len - brace - 1 - str_ends_with(word, STR("}"))));
    }
}

bool proxymap_tables_allow(const struct proxymap_tables *tables, struct str name)
{
    return strlist_contains(&tables->allowed, name);
}

struct table *proxymap_tables_find(struct proxymap_tables *tables, struct str name, unsigned flags)
{
    if (!proxymap_tables_allow(tables, name))
        return NULL;
    return table_open_or_defer(tables->set, name, flags);
}
