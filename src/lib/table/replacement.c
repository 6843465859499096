/* SPDX-License-Identifier: Apache-2.0 */
#include "table/replacement.h"

#include "base/cursor.h"

enum { GROUP_MAX = 65535 };

/* After "$": "1", "{1}" or "(1)". */
static bool take_group(struct cursor *cursor, unsigned *group_out)
{
    char close = cursor_skip_char(cursor, '{') ? '}' : cursor_skip_char(cursor, '(') ? ')' : '\0';
    uint64_t number;

    if (!cursor_take_uint64(cursor, &number) || number == 0 || number > GROUP_MAX)
        return false;
    *group_out = (unsigned) number;
    return close == '\0' || cursor_skip_char(cursor, close);
}

static size_t count_dollars(struct str text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '$';
    return count;
}

bool replacement_parse(struct str text, struct arena *arena, struct replacement *replacement_out)
{
    struct cursor cursor = cursor_over(text);
    struct replacement replacement = { 0 };

    text = arena_str(arena, text);
    cursor = cursor_over(text);
    replacement.parts = arena_new_array(arena, 2 * count_dollars(text) + 1, struct replacement_part);
    while (!cursor_at_end(&cursor)) {
        struct str literal = cursor_take_until(&cursor, "$");
        struct replacement_part *part = &replacement.parts[replacement.count];

        if (!str_is_empty(literal)) {
            part->text = literal;
            replacement.count++;
            continue;
        }
        (void) cursor_skip_char(&cursor, '$');
        if (cursor_skip_char(&cursor, '$'))
            part->text = STR("$");
        else if (!take_group(&cursor, &part->group))
            return false;
        replacement.count++;
    }
    *replacement_out = replacement;
    return true;
}

unsigned replacement_highest(const struct replacement *replacement)
{
    unsigned highest = 0;

    for (size_t i = 0; i < replacement->count; i++) {
        if (replacement->parts[i].group > highest)
            highest = replacement->parts[i].group;
    }
    return highest;
}
