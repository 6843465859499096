/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

static struct str take_first(struct cursor *cursor, size_t len)
{
    struct str text = str_part(cursor->rest, 0, len);

    cursor->rest = str_from(cursor->rest, len);
    return text;
}

bool cursor_skip_char(struct cursor *cursor, char c)
{
    if (cursor_at_end(cursor) || cursor->rest.data[0] != c)
        return false;
    take_first(cursor, 1);
    return true;
}

bool cursor_skip_str(struct cursor *cursor, struct str text)
{
    if (!str_starts_with(cursor->rest, text))
        return false;
    take_first(cursor, text.len);
    return true;
}

bool cursor_skip_str_nocase(struct cursor *cursor, struct str text)
{
    if (!str_starts_with_nocase(cursor->rest, text))
        return false;
    take_first(cursor, text.len);
    return true;
}

size_t cursor_skip_any(struct cursor *cursor, const char *set)
{
    size_t count = 0;

    while (count < cursor->rest.len && cursor->rest.data[count] != '\0' &&
           strchr(set, cursor->rest.data[count]) != NULL)
        count++;
    take_first(cursor, count);
    return count;
}

bool cursor_take_char(struct cursor *cursor, char *c_out)
{
    if (cursor_at_end(cursor))
        return false;
    *c_out = take_first(cursor, 1).data[0];
    return true;
}

bool cursor_take(struct cursor *cursor, size_t len, struct str *text_out)
{
    if (len > cursor->rest.len)
        return false;
    *text_out = take_first(cursor, len);
    return true;
}

struct str cursor_take_until(struct cursor *cursor, const char *set)
{
    size_t at = str_find_any(cursor->rest, set);

    return take_first(cursor, at == STR_NOT_FOUND ? cursor->rest.len : at);
}

struct str cursor_take_while(struct cursor *cursor, bool (*test)(char))
{
    size_t count = 0;

    while (count < cursor->rest.len && test(cursor->rest.data[count]))
        count++;
    return take_first(cursor, count);
}

bool cursor_take_line(struct cursor *cursor, struct str *line_out)
{
    size_t at;
    struct str line;

    if (cursor_at_end(cursor))
        return false;
    at = str_find_char(cursor->rest, '\n');
    if (at == STR_NOT_FOUND) {
        *line_out = take_first(cursor, cursor->rest.len);
        return true;
    }
    line = take_first(cursor, at + 1);
    line.len--;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    *line_out = line;
    return true;
}

bool cursor_take_uint64(struct cursor *cursor, uint64_t *value_out)
{
    struct cursor ahead = *cursor;
    struct str digits = cursor_take_while(&ahead, char_is_digit);

    if (!str_to_uint64(digits, value_out))
        return false;
    *cursor = ahead;
    return true;
}
