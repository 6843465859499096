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

/* Takes up to the next comma outside of quotes and comments. */
static struct str take_element(struct cursor *cursor)
{
    struct str all = cursor->rest;
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
        else if (!is_quoted && depth == 0 && c == ',')
            break;
    }
    cursor->rest = str_from(all, end + 1);
    return str_part(all, 0, end);
}

/* An address whose first characters say that it is none. */
static void add_address(struct destination_list *list, struct arena *arena, struct str address)
{
    static const struct {
        struct str mark;
        enum destination_kind kind;
    } rows[] = {
        { { "|", 1 }, DESTINATION_COMMAND },
        { { ":include:", 9 }, DESTINATION_INCLUDE },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (str_starts_with_nocase(address, rows[i].mark)) {
            add(list, arena, rows[i].kind, str_from(address, rows[i].mark.len));
            return;
        }
    }
    if (str_starts_with(address, STR("/")))
        add(list, arena, DESTINATION_FILE, address);
    else if (str_starts_with(address, STR("~")))
        add(list, arena, DESTINATION_HOME_FILE, address);
    else if (!str_is_empty(address))
        add(list, arena, DESTINATION_ADDRESS, address);
}

/* A backslash with nothing behind it stands for nothing. */
static struct str without_last_backslash(struct str text)
{
    size_t count = 0;

    while (count < text.len && text.data[text.len - 1 - count] == '\\')
        count++;
    return str_part(text, 0, text.len - count % 2);
}

static void add_addresses(struct destination_list *list, struct arena *arena, struct str text)
{
    struct address_list addresses;

    text = without_last_backslash(str_trim(text));
    address_list_parse(&addresses, arena, text, SIZE_MAX);
    if (addresses.junk_count > 0)
        add(list, arena, DESTINATION_BAD,
            arena_printf(arena, "bad address: \"%.*s\"", STR_ARG(str_part(text, 0, 100))));
    for (size_t i = 0; i < addresses.count; i++)
        add_address(list, arena, addresses.items[i].address);
}

static bool is_one_word(struct arena *arena, struct str text, struct str *word_out)
{
    struct address_list addresses;

    address_list_parse(&addresses, arena, text, 2);
    if (addresses.count != 1 || addresses.items[0].source.len != text.len)
        return false;
    *word_out = addresses.items[0].address;
    return true;
}

/* |word is an address like others, and |"words" stands for "|words". With more of them they are its arguments. */
static void add_bare_command(struct destination_list *list, struct arena *arena, struct str text)
{
    struct str command = str_trim(str_from(text, 1));
    struct str word;

    if (is_one_word(arena, text, &word))
        add_address(list, arena, word);
    else if (str_starts_with(command, STR("\"")) && is_one_word(arena, command, &word))
        add(list, arena, DESTINATION_COMMAND, word);
    else
        add(list, arena, DESTINATION_COMMAND, command);
}

void destination_parse(struct destination_list *list, struct arena *arena, struct str line)
{
    struct cursor cursor = cursor_over(arena_str(arena, line));
    struct str rest = cursor.rest; /* begins with the addresses that were not added yet */

    while (!cursor_at_end(&cursor)) {
        struct str before = str_part(rest, 0, rest.len - cursor.rest.len);
        struct str element = str_trim(take_element(&cursor));

        if (!str_starts_with(element, STR("|")) && !str_starts_with(element, STR(":")))
            continue;
        add_addresses(list, arena, before);
        if (str_starts_with(element, STR("|")))
            add_bare_command(list, arena, element);
        else
            add_addresses(list, arena, element);
        rest = cursor.rest;
    }
    add_addresses(list, arena, rest);
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
