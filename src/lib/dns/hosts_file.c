/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/hosts_file.h"

#include "base/cursor.h"

enum { ADDRESSES_MAX = 64 };

/* The address of a line and the names that follow it. */
static bool read_line(struct str line, struct ip_address *address_out, struct str *names_out)
{
    struct str word;

    str_cut(line, '#', &line, &(struct str){ NULL, 0 });
    if (!str_next_word(&line, " \t\r", &word) || !ip_address_parse(word, address_out))
        return false;
    *names_out = line;
    return true;
}

static bool has_name(struct str names, struct str name)
{
    struct str word;

    while (str_next_word(&names, " \t\r", &word)) {
        if (str_equal_nocase(word, name))
            return true;
    }
    return false;
}

size_t hosts_file_addresses(struct str text, struct str name, struct arena *arena, struct ip_address **addresses_out)
{
    struct ip_address *addresses = arena_new_array(arena, ADDRESSES_MAX, struct ip_address);
    struct cursor cursor = cursor_over(text);
    struct str line, names;
    size_t count = 0;

    while (count < ADDRESSES_MAX && cursor_take_line(&cursor, &line)) {
        if (read_line(line, &addresses[count], &names) && has_name(names, name))
            count++;
    }
    *addresses_out = addresses;
    return count;
}

struct str hosts_file_name(struct str text, const struct ip_address *address)
{
    struct cursor cursor = cursor_over(text);
    struct str line, names, word;
    struct ip_address found;

    while (cursor_take_line(&cursor, &line)) {
        if (read_line(line, &found, &names) && ip_address_equal(&found, address) &&
            str_next_word(&names, " \t\r", &word))
            return word;
    }
    return STR_EMPTY;
}
