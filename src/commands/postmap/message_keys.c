/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/message_keys.h"

#include "base/arena.h"
#include "base/strbuf.h"

/* As mime_nesting_limit and mime_boundary_length_limit say by default. */
enum { NESTING_MAXIMUM = 100, BOUNDARY_MAXIMUM = 2048 };

struct walk {
    struct str rest;
    bool parses_mime;
    message_key_told *told;
    void *context;
    struct failure *why;
    struct arena *arena;
    struct str boundaries[NESTING_MAXIMUM];
    bool is_digest[NESTING_MAXIMUM];
    size_t depth;
    bool holds_message; /* the part whose header is read is message/rfc822 */
};

/* ---- lines and headers ---- */

static bool tell(struct walk *walk, bool is_header, struct str key)
{
    return walk->told(walk->context, is_header, key, walk->why);
}

/* "Name:", blanks before the colon are let pass; the length of the name, 0 if it is none. */
static size_t name_length(struct str line)
{
    size_t colon = str_find_char(line, ':');
    struct str name;

    if (colon == STR_NOT_FOUND)
        return 0;
    name = str_trim_right(str_part(line, 0, colon));
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] == 127)
            return 0;
    }
    return name.len;
}

/* One header with its folded lines, off the rest; without the last line end. */
static struct str take_header(struct walk *walk)
{
    struct str all = walk->rest;
    size_t end = 0;

    do {
        size_t newline = str_find_char(str_from(all, end), '\n');

        end = newline == STR_NOT_FOUND ? all.len : end + newline + 1;
    } while (end < all.len && (all.data[end] == ' ' || all.data[end] == '\t'));
    walk->rest = str_from(all, end);
    return end > 0 && all.data[end - 1] == '\n' ? str_part(all, 0, end - 1) : str_part(all, 0, end);
}

static struct str without_blanks_in_name(struct walk *walk, struct str header, size_t name)
{
    size_t colon = str_find_char(header, ':');

    if (colon == name)
        return header;
    return arena_printf(walk->arena, "%.*s%.*s", STR_ARG(str_part(header, 0, name)), STR_ARG(str_from(header, colon)));
}

/* ---- Content-Type (RFC 2045 section 5.1) ---- */

static void skip_comment(struct str *rest)
{
    unsigned depth = 0;
    size_t i = 0;

    for (; i < rest->len; i++) {
        if (rest->data[i] == '\\')
            i++;
        else if (rest->data[i] == '(')
            depth++;
        else if (rest->data[i] == ')' && --depth == 0)
            break;
    }
    *rest = str_from(*rest, i < rest->len ? i + 1 : rest->len);
}

static void skip_white(struct str *rest)
{
    while (rest->len > 0 && (char_is_space(rest->data[0]) || rest->data[0] == '(')) {
        if (rest->data[0] == '(')
            skip_comment(rest);
        else
            *rest = str_from(*rest, 1);
    }
}

static struct str take_quoted(struct str *rest, struct arena *arena)
{
    struct strbuf text;
    struct str kept;
    size_t i = 1;

    strbuf_init(&text, BOUNDARY_MAXIMUM);
    for (; i < rest->len && rest->data[i] != '"'; i++) {
        if (rest->data[i] == '\\' && i + 1 < rest->len)
            i++;
        strbuf_append_char(&text, rest->data[i]);
    }
    *rest = str_from(*rest, i < rest->len ? i + 1 : rest->len);
    kept = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return kept;
}

/* A word, a quoted string, or one of the separators; empty at the end. */
static struct str take_token(struct str *rest, struct arena *arena)
{
    struct str token;
    size_t len = 0;

    skip_white(rest);
    if (rest->len > 0 && rest->data[0] == '"')
        return take_quoted(rest, arena);
    while (len < rest->len && !char_is_space(rest->data[len]) && strchr("()<>@,;:\\\"/[]?=", rest->data[len]) == NULL)
        len++;
    if (len == 0 && rest->len > 0)
        len = 1;
    token = str_part(*rest, 0, len);
    *rest = str_from(*rest, len);
    return token;
}

static struct str find_boundary(struct str rest, struct arena *arena)
{
    while (rest.len > 0) {
        struct str name;

        if (!str_equal(take_token(&rest, arena), STR(";")))
            continue;
        name = take_token(&rest, arena);
        if (str_equal_nocase(name, STR("boundary")) && str_equal(take_token(&rest, arena), STR("=")))
            return take_token(&rest, arena);
    }
    return STR_EMPTY;
}

static void take_content_type(struct walk *walk, struct str value)
{
    struct str rest = value;
    struct str type = take_token(&rest, walk->arena);
    struct str slash = take_token(&rest, walk->arena);
    struct str subtype = take_token(&rest, walk->arena);

    if (!str_equal(slash, STR("/")))
        return;
    walk->holds_message = str_equal_nocase(type, STR("message")) && str_equal_nocase(subtype, STR("rfc822"));
    if (!str_equal_nocase(type, STR("multipart")) || walk->depth >= NESTING_MAXIMUM)
        return;
    walk->boundaries[walk->depth] = find_boundary(rest, walk->arena);
    walk->is_digest[walk->depth] = str_equal_nocase(subtype, STR("digest"));
    walk->depth += walk->boundaries[walk->depth].len > 0;
}

/* ---- parts ---- */

/* Up to a line that is no header. That line stays, but for the empty one. */
static bool walk_headers(struct walk *walk, bool is_first)
{
    while (walk->rest.len > 0) {
        struct str line, after, header;
        size_t name;

        (void) str_cut(walk->rest, '\n', &line, &after);
        name = name_length(line);
        if (name == 0)
            break;
        header = without_blanks_in_name(walk, take_header(walk), name);
        if (walk->parses_mime && str_equal_nocase(str_part(header, 0, name), STR("Content-Type")))
            take_content_type(walk, str_from(header, name + 1));
        if (!tell(walk, true, header))
            return false;
    }
    if (walk->rest.len > 0 && walk->rest.data[0] == '\n')
        walk->rest = str_from(walk->rest, 1);
    else if (!is_first || walk->rest.len == 0)
        return true;
    return tell(walk, false, STR_EMPTY);
}

/* RFC 2046 section 5.1.1: what stands inside of the part that begins, or ends, here is over. */
static bool is_boundary(struct walk *walk, struct str line, bool *is_end_out)
{
    if (!str_starts_with(line, STR("--")))
        return false;
    for (size_t i = walk->depth; i-- > 0;) {
        struct str after = str_from(line, 2);

        if (!str_starts_with(after, walk->boundaries[i]))
            continue;
        *is_end_out = str_starts_with(str_from(after, walk->boundaries[i].len), STR("--"));
        walk->depth = *is_end_out ? i : i + 1;
        return true;
    }
    return false;
}

static bool walk_body(struct walk *walk, bool *begins_part_out)
{
    struct str line;
    bool is_end = false;

    *begins_part_out = false;
    while (walk->rest.len > 0 && !*begins_part_out) {
        (void) str_cut(walk->rest, '\n', &line, &walk->rest);
        *begins_part_out = is_boundary(walk, line, &is_end) && !is_end;
        if (!tell(walk, false, line))
            return false;
    }
    return true;
}

static bool walk_parts(struct walk *walk)
{
    bool is_first = true;
    bool begins_part;

    for (;;) {
        if (!walk_headers(walk, is_first))
            return false;
        is_first = false;
        if (walk->holds_message) {
            walk->holds_message = false;
            continue;
        }
        if (!walk_body(walk, &begins_part))
            return false;
        if (!begins_part)
            return true;
        walk->holds_message = walk->depth > 0 && walk->is_digest[walk->depth - 1];
    }
}

bool message_keys_walk(struct str message, bool parses_mime, message_key_told *told, void *context, struct failure *why)
{
    struct walk walk = { .rest = message, .parses_mime = parses_mime, .told = told, .context = context, .why = why };
    bool is_done;

    walk.arena = arena_create();
    is_done = walk_parts(&walk);
    arena_destroy(&walk.arena);
    return is_done;
}
