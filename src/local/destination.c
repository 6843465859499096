/* SPDX-License-Identifier: Apache-2.0 */
#include "local/destination.h"

#include "base/cursor.h"
#include "mail/address_list.h"
#include "table/table_source.h"

static void add(struct destination_list *list, struct arena *arena, enum destination_kind kind, struct str text)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        struct destination *larger = arena_new_array(arena, capacity, struct destination);

        if (list->count > 0)
            memcpy(larger, list->items, list->count * sizeof(*larger));
        list->items = larger;
        list->capacity = capacity;
    }
    list->items[list->count++] = (struct destination){ kind, text };
}

/*
 * Takes up to the next comma outside of quotes and comments. A /file without quotes ends at a blank, too; so would a
 * command, but what follows it was meant for its arguments.
 */
static struct str take_element(struct cursor *cursor)
{
    struct str all = str_trim_left(cursor->rest);
    bool ends_at_blank = str_starts_with(all, STR("/"));
    bool is_quoted = false;
    int depth = 0;
    size_t end = 0;

    for (; end < all.len; end++) {
        char c = all.data[end];

        if (c == '\\' && end + 1 < all.len)
            end++;
        else if (c == '"')
            is_quoted = !is_quoted;
        else if (!is_quoted && c == '(')
            depth++;
        else if (!is_quoted && c == ')' && depth > 0)
            depth--;
        else if (!is_quoted && depth == 0 && (c == ',' || (ends_at_blank && strchr(" \t\r\n", c) != NULL)))
            break;
    }
    cursor->rest = str_from(all, end + 1);
    return str_trim(str_part(all, 0, end));
}

/* "\"|cmd arg\"" and "|\"cmd arg\"" both stand for |cmd arg. */
static struct str unquote(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    size_t end;

    if (text.len < 2 || text.data[0] != '"')
        return text;
    /* A quote that is never closed ends with the text; that of an address is closed before. */
    end = text.data[text.len - 1] == '"' ? text.len - 1 : text.len;
    if (end == text.len && str_contains_char(str_from(text, 1), '"'))
        return text;
    for (size_t i = 1; i < end; i++) {
        if (text.data[i] == '\\' && i + 1 < end)
            i++;
        copy[len++] = text.data[i];
    }
    return str_make(copy, len);
}

static bool add_special(struct destination_list *list, struct arena *arena, struct str text)
{
    struct str plain = unquote(arena, text);

    if (str_starts_with(plain, STR("|"))) {
        add(list, arena, DESTINATION_COMMAND, unquote(arena, str_trim(str_from(plain, 1))));
    } else if (str_starts_with_nocase(plain, STR(":include:"))) {
        add(list, arena, DESTINATION_INCLUDE, unquote(arena, str_trim(str_from(plain, strlen(":include:")))));
    } else if (str_starts_with(plain, STR("/"))) {
        add(list, arena, DESTINATION_FILE, plain);
    } else {
        return false;
    }
    return true;
}

/* A backslash quotes the character behind it, as in any address; only one that is quoted itself is part of the name. */
static void add_address(struct destination_list *list, struct arena *arena, struct str address)
{
    if (str_starts_with(address, STR("\\")) && address.len > 1)
        add(list, arena, DESTINATION_USER, str_from(address, 1));
    else if (!str_is_empty(address))
        add(list, arena, DESTINATION_ADDRESS, address);
}

static void add_addresses(struct destination_list *list, struct arena *arena, struct str text)
{
    struct address_list addresses;

    address_list_parse(&addresses, arena, text, 10);
    if (addresses.count == 0)
        add(list, arena, DESTINATION_BAD,
            arena_printf(arena, "bad address: \"%.*s\"", STR_ARG(str_part(text, 0, 100))));
    for (size_t i = 0; i < addresses.count; i++)
        add_address(list, arena, addresses.items[i].address);
}

void destination_parse(struct destination_list *list, struct arena *arena, struct str line)
{
    struct cursor cursor = cursor_over(arena_str(arena, line));

    while (!cursor_at_end(&cursor)) {
        struct str element = take_element(&cursor);

        if (str_is_empty(element))
            continue;
        if (!add_special(list, arena, element))
            add_addresses(list, arena, element);
    }
}

void destination_add_address(struct destination_list *list, struct arena *arena, struct str address)
{
    add(list, arena, DESTINATION_ADDRESS, address);
}

void destination_parse_file(struct destination_list *list, struct arena *arena, struct str text)
{
    struct table_source source;
    struct str line;
    unsigned number;

    table_source_init(&source, text);
    while (table_source_next(&source, &line, &number))
        destination_parse(list, arena, line);
    table_source_done(&source);
}
