/* SPDX-License-Identifier: Apache-2.0 */
#include "postconf/stray_comments.h"

#include "base/arena.h"

enum { DEPTH_MAX = 10 };

static void take_comment(struct str text, struct arena *arena, struct strlist *found)
{
    struct str rest = text;
    struct str word;

    if (str_next_word(&rest, " \t\r\n", &word))
        strlist_add(found, arena, word);
}

/* Where the element ends: at white space or a comma outside of { }. */
static size_t element_length(struct str text)
{
    size_t depth = 0;
    size_t i;

    for (i = 0; i < text.len; i++) {
        if (text.data[i] == '{')
            depth++;
        else if (text.data[i] == '}' && depth > 0)
            depth--;
        else if (depth == 0 && strchr(", \t\r\n", text.data[i]) != NULL)
            break;
    }
    return i;
}

/* "{ name = #text }" of an inline: table. */
static void look_at_assignment(struct str element, struct arena *arena, struct strlist *found)
{
    struct str name;
    struct str value;

    if (str_cut(element, '=', &name, &value) && str_starts_with(str_trim_left(value), STR("#")))
        take_comment(str_trim_left(value), arena, found);
}

static void look(struct str rest, bool is_inline, int depth, struct arena *arena, struct strlist *found)
{
    for (;;) {
        struct str element;
        size_t brace;
        size_t end;

        while (rest.len > 0 && strchr(", \t\r\n", rest.data[0]) != NULL)
            rest = str_from(rest, 1);
        if (rest.len == 0)
            return;
        element = str_part(rest, 0, element_length(rest));
        rest = str_from(rest, element.len);
        brace = str_find_char(element, '{');
        end = str_find_last_char(element, '}');
        if (element.data[0] == '#')
            take_comment(element, arena, found);
        else if (depth >= DEPTH_MAX || brace == STR_NOT_FOUND || end == STR_NOT_FOUND || end < brace)
            continue;
        else if (brace == 0 && is_inline)
            look_at_assignment(str_part(element, 1, end - 1), arena, found);
        else if (brace > 0 && element.data[brace - 1] == ':')
            look(str_part(element, brace + 1, end - brace - 1), str_starts_with(element, STR("inline:")), depth + 1,
                 arena, found);
    }
}

void stray_comments_find(struct str value, struct arena *arena, struct strlist *found)
{
    look(value, false, 0, arena, found);
}
