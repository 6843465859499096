/* SPDX-License-Identifier: Apache-2.0 */
#include "table/table_list.h"

#include "table/table_type.h"

struct table_list {
    struct table_set *set;
    struct str title;
    struct table **tables;
    size_t count;
};

bool table_list_next_word(struct str *rest, const char *separators, struct str *word_out)
{
    size_t end = 0;
    int depth = 0;

    while (rest->len > 0 && strchr(separators, rest->data[0]) != NULL)
        *rest = str_from(*rest, 1);
    if (str_is_empty(*rest))
        return false;
    for (; end < rest->len; end++) {
        char c = rest->data[end];

        if (depth == 0 && strchr(separators, c) != NULL)
            break;
        if (c == '{')
            depth++;
        else if (c == '}' && depth > 0)
            depth--;
    }
    *word_out = str_part(*rest, 0, end);
    *rest = str_from(*rest, end);
    return true;
}

bool table_list_unbrace(struct str text, struct str *inside_out, struct failure *why)
{
    size_t end = 0;
    int depth = 0;

    if (!str_starts_with(text, STR("{")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "no '{' at start of text in \"%.*s\"", STR_ARG(text));
    do {
        depth += (text.data[end] == '{') - (text.data[end] == '}');
        end++;
    } while (depth > 0 && end < text.len);
    if (depth > 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "missing '}' in \"%.*s\"", STR_ARG(text));
    if (end < text.len)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "syntax error after '}' in \"%.*s\"", STR_ARG(text));
    *inside_out = str_trim(str_part(text, 1, end - 2));
    return true;
}

struct table_list *table_list_open(struct table_set *set, struct str title, struct str value, unsigned flags)
{
    struct arena *arena = table_set_arena(set);
    struct table_list *list = arena_new(arena, struct table_list);
    struct str rest = value;
    struct str word;
    size_t count = 0;

    while (table_list_next_word(&rest, ", \t\r\n", &word))
        count++;
    list->set = set;
    list->title = arena_str(arena, title);
    list->tables = arena_new_array(arena, count, struct table *);
    rest = value;
    while (table_list_next_word(&rest, ", \t\r\n", &word))
        list->tables[list->count++] = table_open_or_defer(set, word, flags);
    return list;
}

bool table_list_is_empty(const struct table_list *list)
{
    return list->count == 0;
}

struct str table_list_title(const struct table_list *list)
{
    return list->title;
}

/* Whoever wrote it meant something, and nobody knows what. */
static enum table_result refuse_empty(const struct table_list *list, const struct table *table, struct str key,
                                      struct failure *why)
{
    table_set_warn(list->set, "%.*s lookup of %.*s returns an empty string result", STR_ARG(list->title), STR_ARG(key));
    table_set_warn(list->set, "%.*s should return NO RESULT in case of NOT FOUND", STR_ARG(list->title));
    (void) failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: %.*s: empty result for \"%.*s\"", STR_ARG(list->title),
                       STR_ARG(table->name), STR_ARG(key));
    return TABLE_UNKNOWN;
}

enum table_result table_list_find_where(struct table_list *list, struct str key, enum table_kind kinds,
                                        struct arena *arena, struct str *value_out, struct str *table_out,
                                        struct failure *why)
{
    if (str_is_empty(key))
        return TABLE_ABSENT;
    for (size_t i = 0; i < list->count; i++) {
        struct table *table = list->tables[i];
        struct str value;

        if ((table->kind & kinds) == 0)
            continue;
        switch (table_lookup(table, key, arena, &value, why)) {
        case TABLE_FOUND:
            if (str_is_empty(value))
                return refuse_empty(list, table, key, why);
            *value_out = value;
            *table_out = table->name;
            return TABLE_FOUND;
        case TABLE_UNKNOWN:
            (void) failure_prefix(why, "%.*s: %.*s lookup error for \"%.*s\"", STR_ARG(list->title),
                                  STR_ARG(table->name), STR_ARG(key));
            return TABLE_UNKNOWN;
        case TABLE_ABSENT:
            break;
        }
    }
    return TABLE_ABSENT;
}

enum table_result table_list_find(struct table_list *list, struct str key, enum table_kind kinds, struct arena *arena,
                                  struct str *value_out, struct failure *why)
{
    struct str where;

    return table_list_find_where(list, key, kinds, arena, value_out, &where, why);
}
