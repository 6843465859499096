/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strlist.h"

void strlist_add_view(struct strlist *list, struct arena *arena, struct str text)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? 2 * list->capacity : 8;
        struct str *items = arena_new_array(arena, capacity, struct str);

        if (list->count > 0)
            memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = text;
}

void strlist_add(struct strlist *list, struct arena *arena, struct str text)
{
    strlist_add_view(list, arena, arena_str(arena, text));
}

bool strlist_contains(const struct strlist *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_equal(list->items[i], text))
            return true;
    return false;
}

bool strlist_contains_nocase(const struct strlist *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_equal_nocase(list->items[i], text))
            return true;
    return false;
}

struct strlist strlist_split(struct arena *arena, struct str text, const char *set)
{
    struct strlist list = { 0 };
    struct str word;

    while (str_next_word(&text, set, &word))
        strlist_add(&list, arena, word);
    return list;
}
