/* SPDX-License-Identifier: Apache-2.0 */
#include "local/template.h"

#include "base/cursor.h"
#include "base/strbuf.h"

enum { DEPTH_MAX = 20, TEXT_MAX = 64 * 1024 };

struct template
{
    const struct template_names *names;
    struct str filter;
    struct arena *arena;
    struct strbuf out;
    enum template_result result;
};

struct str template_filter(struct arena *arena, struct str value, struct str filter)
{
    char *copy = arena_c(arena, value);

    for (size_t i = 0; i < value.len; i++) {
        if (!str_contains_char(filter, copy[i]))
            copy[i] = '_';
    }
    return str_make(copy, value.len);
}

static struct str value_of(const struct template *it, struct str name)
{
    for (size_t i = 0; i < it->names->count; i++) {
        if (str_equal(name, str_from_c(it->names->items[i].name)))
            return it->names->items[i].value;
    }
    return str_make(NULL, 0);
}

static bool is_name_char(char c)
{
    return char_is_alnum(c) || c == '_';
}

/* What stands before the close that belongs to an open just skipped. */
static bool take_balanced(struct cursor *cursor, char open, char close, struct str *inner_out)
{
    struct str all = cursor->rest;
    int depth = 1;

    for (size_t i = 0; i < all.len; i++) {
        if (all.data[i] == open)
            depth++;
        else if (all.data[i] == close && --depth == 0) {
            *inner_out = str_part(all, 0, i);
            cursor->rest = str_from(all, i + 1);
            return true;
        }
    }
    return false;
}

static void expand(struct template *it, struct str text, unsigned depth);

static void put_value(struct template *it, struct str name)
{
    struct str value = value_of(it, name);

    if (value.data == NULL || str_is_empty(value)) {
        if (it->result == TEMPLATE_OK)
            it->result = TEMPLATE_UNDEFINED;
        return;
    }
    if (!str_is_empty(it->filter))
        value = template_filter(it->arena, value, it->filter);
    strbuf_append(&it->out, value);
}

static struct str unbrace(struct str text)
{
    struct str trimmed = str_trim(text);

    if (trimmed.len >= 2 && trimmed.data[0] == '{' && trimmed.data[trimmed.len - 1] == '}')
        return str_trim(str_part(trimmed, 1, trimmed.len - 2));
    return text;
}

/* "{yes}:{no}": both parts; without the second form all is yes. */
static void split_choice(struct str text, struct str *yes_out, struct str *no_out)
{
    struct cursor cursor = cursor_over(str_trim_left(text));
    struct str yes;

    *yes_out = unbrace(text);
    *no_out = STR_EMPTY;
    if (!cursor_skip_char(&cursor, '{') || !take_balanced(&cursor, '{', '}', &yes))
        return;
    cursor.rest = str_trim_left(cursor.rest);
    if (cursor_skip_char(&cursor, ':')) {
        *yes_out = str_trim(yes);
        *no_out = unbrace(cursor.rest);
    }
}

/* The inside of ${...} or $(...). */
static void put_braced(struct template *it, struct str inner, unsigned depth)
{
    struct cursor cursor = cursor_over(inner);
    struct str name = cursor_take_while(&cursor, is_name_char);
    struct str value = value_of(it, name);
    bool is_defined = value.data != NULL && !str_is_empty(value);
    struct str yes;
    struct str no;

    if (cursor_at_end(&cursor)) {
        put_value(it, name);
    } else if (cursor_skip_char(&cursor, '?')) {
        split_choice(cursor.rest, &yes, &no);
        expand(it, is_defined ? yes : no, depth + 1);
    } else if (cursor_skip_char(&cursor, ':')) {
        if (!is_defined)
            expand(it, unbrace(cursor.rest), depth + 1);
    } else {
        it->result = TEMPLATE_BAD;
    }
}

static void expand(struct template *it, struct str text, unsigned depth)
{
    struct cursor cursor = cursor_over(text);
    struct str inner;

    if (depth > DEPTH_MAX)
        it->result = TEMPLATE_BAD;
    while (it->result != TEMPLATE_BAD && !cursor_at_end(&cursor)) {
        strbuf_append(&it->out, cursor_take_until(&cursor, "$"));
        if (!cursor_skip_char(&cursor, '$'))
            break;
        if (cursor_skip_char(&cursor, '$')) {
            strbuf_append_char(&it->out, '$');
        } else if (cursor_skip_char(&cursor, '{')) {
            if (!take_balanced(&cursor, '{', '}', &inner))
                it->result = TEMPLATE_BAD;
            else
                put_braced(it, inner, depth);
        } else if (cursor_skip_char(&cursor, '(')) {
            if (!take_balanced(&cursor, '(', ')', &inner))
                it->result = TEMPLATE_BAD;
            else
                put_braced(it, inner, depth);
        } else {
            put_value(it, cursor_take_while(&cursor, is_name_char));
        }
    }
}

enum template_result template_expand(struct str text, const struct template_names *names, struct str filter,
                                     struct arena *arena, struct str *text_out)
{
    struct template it = { .names = names, .filter = filter, .arena = arena };

    strbuf_init(&it.out, TEXT_MAX);
    expand(&it, text, 0);
    if (it.out.is_overflowed)
        it.result = TEMPLATE_BAD;
    *text_out = arena_str(arena, strbuf_str(&it.out));
    strbuf_done(&it.out);
    return it.result;
}
