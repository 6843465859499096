/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/syntax.h"

#include "base/cursor.h"

void syntax_split_command(struct str line, struct str *verb_out, struct str *argument_out)
{
    struct cursor cursor = cursor_over(str_trim(line));

    *verb_out = cursor_take_until(&cursor, " \t\r");
    *argument_out = str_trim(cursor.rest);
}

bool syntax_looks_like_header(struct str verb)
{
    size_t colon = str_find_char(verb, ':');

    if (colon == STR_NOT_FOUND || colon == 0)
        return false;
    for (size_t i = 0; i < colon; i++) {
        if (!char_is_print(verb.data[i]) || verb.data[i] == ' ')
            return false;
    }
    return true;
}

bool syntax_parse_chunk(struct str argument, struct chunk *chunk_out)
{
    struct str number, rest;
    struct chunk chunk;

    str_cut(argument, ' ', &number, &rest);
    rest = str_trim(rest);
    chunk.is_last = str_equal_nocase(rest, STR("LAST"));
    if (!syntax_is_number(number) || (rest.len > 0 && !chunk.is_last))
        return false;
    if (!str_to_uint64(number, &chunk.bytes) || chunk.bytes > INT64_MAX)
        return false;
    *chunk_out = chunk;
    return true;
}

bool syntax_parse_auth(struct str argument, struct auth_argument *auth_out)
{
    struct auth_argument auth = { .initial = STR_EMPTY };
    struct str more;

    if (!str_next_word(&argument, " \t", &auth.method))
        return false;
    auth.has_initial = str_next_word(&argument, " \t", &auth.initial);
    if (auth.has_initial && str_next_word(&argument, " \t", &more))
        return false;
    if (str_equal(auth.initial, STR("=")))
        auth.initial = STR_EMPTY;
    *auth_out = auth;
    return true;
}

static bool is_tame(char c)
{
    return (unsigned char) c > ' ' && strchr("<>()\\\";@\177", c) == NULL;
}

struct str syntax_tame_name(struct arena *arena, struct str name)
{
    char *copy = arena_c(arena, name);

    for (size_t i = 0; i < name.len; i++) {
        if (!is_tame(copy[i]))
            copy[i] = '?';
    }
    return str_make(copy, name.len);
}

bool syntax_is_number(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!char_is_digit(text.data[i]))
            return false;
    }
    return text.len > 0;
}
