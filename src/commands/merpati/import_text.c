/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_text.h"

#include <ctype.h>
#include <string.h>

static bool is_of_path(char c)
{
    return isalnum((unsigned char) c) || (c != '\0' && strchr("._-/", c) != NULL);
}

/* At this place of text, and not in the middle of a longer path or name. */
static bool is_at(struct str text, size_t place, struct str from)
{
    size_t end = place + from.len;

    if (!str_starts_with(str_from(text, place), from) || (place > 0 && is_of_path(text.data[place - 1])))
        return false;
    return end == text.len || text.data[end] == '/' || !is_of_path(text.data[end]);
}

bool import_text_names(struct str text, struct str from)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_at(text, i, from))
            return true;
    }
    return false;
}

void import_text_move(struct str text, const struct import_move *moves, size_t count, struct strbuf *out)
{
    size_t i = 0;

    while (i < text.len) {
        const struct import_move *found = NULL;

        for (size_t m = 0; m < count && found == NULL; m++) {
            if (is_at(text, i, moves[m].from))
                found = &moves[m];
        }
        if (found == NULL) {
            (void) strbuf_append_char(out, text.data[i++]);
        } else {
            (void) strbuf_append(out, found->to);
            i += found->from.len;
        }
    }
}

static bool is_one_of(struct str name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (str_equal(name, str_from_c(*names)))
            return true;
    }
    return false;
}

void import_text_adapt(struct str text, const char *const *names, const struct import_move *moves, size_t count,
                       struct strbuf *out, struct arena *arena, struct strlist *found)
{
    bool is_dropping = false;
    struct str line;

    while (text.len > 0) {
        bool is_comment;

        (void) str_cut(text, '\n', &line, &text);
        is_comment = str_trim(line).len == 0 || str_trim_left(line).data[0] == '#';
        if (!is_comment && !isspace((unsigned char) line.data[0])) {
            struct str name, value;

            (void) str_cut(line, '=', &name, &value);
            name = str_trim(name);
            is_dropping = is_one_of(name, names);
            if (is_dropping && !strlist_contains(found, name))
                strlist_add(found, arena, name);
        }
        if (is_dropping && !is_comment)
            strbuf_printf(out, "# %.*s", STR_ARG(line));
        else
            import_text_move(line, moves, count, out);
        (void) strbuf_append_char(out, '\n');
    }
}
