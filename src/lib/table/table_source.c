/* SPDX-License-Identifier: Apache-2.0 */
#include "table/table_source.h"

#include "os/file.h"
#include "table/table_list.h"
#include "table/table_type.h"

enum { SOURCE_MAX = 1024 * 1024 * 1024, SHOWN_MAX = 30 };

void table_source_init(struct table_source *source, struct str text)
{
    source->rest = text;
    source->next_line = 1;
    strbuf_init(&source->line, STRBUF_UNLIMITED);
}

void table_source_done(struct table_source *source)
{
    strbuf_done(&source->line);
}

static bool take_line(struct table_source *source, struct str *line_out)
{
    if (str_is_empty(source->rest))
        return false;
    (void) str_cut(source->rest, '\n', line_out, &source->rest);
    source->next_line++;
    return true;
}

static bool is_blank_or_comment(struct str line)
{
    line = str_trim(line);
    return str_is_empty(line) || line.data[0] == '#';
}

bool table_source_next(struct table_source *source, struct str *line_out, unsigned *number_out)
{
    struct str line;

    do {
        if (!take_line(source, &line))
            return false;
    } while (is_blank_or_comment(line));
    *number_out = source->next_line - 1;
    strbuf_clear(&source->line);
    strbuf_append(&source->line, line);
    while (source->rest.len > 0) {
        char first = source->rest.data[0];
        struct str ahead;
        struct str after;

        (void) str_cut(source->rest, '\n', &ahead, &after);
        if (!is_blank_or_comment(ahead)) {
            if (!char_is_space(first))
                break;
            strbuf_append(&source->line, ahead);
        }
        source->rest = after;
        source->next_line++;
    }
    *line_out = str_trim_right(strbuf_str(&source->line));
    return true;
}

/* Up to 30 bytes, each that cannot be printed as '?'. */
static void append_shown(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len && i < SHOWN_MAX; i++)
        strbuf_append_char(out, text.data[i] < ' ' || text.data[i] > '~' ? '?' : text.data[i]);
    if (text.len > SHOWN_MAX)
        strbuf_append_c(out, "...");
}

void table_source_skip_indented(struct table_source *source, struct str file,
                                void (*warn)(void *context, const char *text), void *context)
{
    struct table_source ahead = *source;
    struct strbuf text;
    struct str line;
    unsigned number;

    while (take_line(&ahead, &line) && is_blank_or_comment(line))
        *source = ahead;
    if (source->rest.len == 0 || !char_is_space(source->rest.data[0]) || !table_source_next(source, &line, &number))
        return;
    if (warn == NULL)
        return;
    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_append(&text, file);
    strbuf_append_c(&text, ": logical line must not start with whitespace: \"");
    append_shown(&text, line);
    strbuf_append_char(&text, '"');
    warn(context, strbuf_c(&text));
    strbuf_done(&text);
}

static bool split_key_value(struct str line, struct str *key_out, struct str *value_out, const char **problem_out,
                            const char **advice_out)
{
    bool is_quoted = false;
    size_t end = 0;

    line = str_trim_left(line);
    for (; end < line.len && (is_quoted || !char_is_space(line.data[end])); end++) {
        if (line.data[end] == '"')
            is_quoted = !is_quoted;
        else if (line.data[end] == '\\' && end + 1 < line.len)
            end++;
    }
    if (is_quoted) {
        *problem_out = "unbalanced '\"'";
        return false;
    }
    *key_out = str_part(line, 0, end);
    *value_out = str_trim(str_from(line, end));
    if (str_is_empty(*key_out) || str_is_empty(*value_out)) {
        *problem_out = "expected format: key whitespace value";
        return false;
    }
    if (key_out->data[key_out->len - 1] == ':')
        *advice_out = "record is in \"key: value\" format; is this an alias file?";
    return true;
}

/* Copies text with each run of white space outside of quotes as one space, as continued lines bring long ones. */
static struct str squeeze(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    bool is_quoted = false;
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '"')
            is_quoted = !is_quoted;
        if (!is_quoted && char_is_space(c)) {
            if (len > 0 && copy[len - 1] == ' ')
                continue;
            c = ' ';
        }
        copy[len++] = c;
        if (c == '\\' && i + 1 < text.len)
            copy[len++] = text.data[++i];
    }
    return str_make(copy, len);
}

/* Takes the name up to its colon, unquoted. */
static bool take_alias_name(struct str line, struct str *rest_out, char *name, size_t *len_out,
                            const char **problem_out)
{
    bool is_quoted = false;
    size_t len = 0;
    size_t i = 0;

    for (; i < line.len && (is_quoted || line.data[i] != ':'); i++) {
        char c = line.data[i];

        if (c == '"') {
            is_quoted = !is_quoted;
            continue;
        }
        if (!is_quoted && c == ',')
            break;
        if (!is_quoted && c == '@') {
            *problem_out = "name must be local";
            return false;
        }
        if (c == '\\' && i + 1 < line.len)
            c = line.data[++i];
        name[len++] = c;
    }
    if (i == line.len || line.data[i] != ':') {
        *problem_out = is_quoted ? "unbalanced '\"'" : "need name:value pair";
        return false;
    }
    *len_out = len;
    *rest_out = str_from(line, i + 1);
    return true;
}

static bool split_alias(struct str line, struct arena *arena, struct str *key_out, struct str *value_out,
                        const char **problem_out)
{
    char *name = arena_alloc(arena, line.len + 1);
    struct str rest;
    size_t len;

    if (!take_alias_name(line, &rest, name, &len, problem_out))
        return false;
    *key_out = str_trim(str_make(name, len));
    rest = str_trim(rest);
    if (str_is_empty(*key_out) || str_is_empty(rest)) {
        *problem_out = "need name:value pair";
        return false;
    }
    *value_out = squeeze(arena, rest);
    return true;
}

bool table_source_split(enum table_source_form form, struct str line, struct arena *arena, struct str *key_out,
                        struct str *value_out, const char **problem_out, const char **advice_out)
{
    *advice_out = NULL;
    *problem_out = NULL;
    if (form == TABLE_SOURCE_ALIASES)
        return split_alias(line, arena, key_out, value_out, problem_out);
    return split_key_value(line, key_out, value_out, problem_out, advice_out);
}

/* "{ {one}, {two} }" becomes lines. */
static bool load_inline(struct arena *arena, struct str argument, struct str *text_out, struct failure *why)
{
    struct strbuf lines;
    struct str word;
    struct str rest;

    if (!table_list_unbrace(argument, &rest, why))
        return false;
    strbuf_init(&lines, STRBUF_UNLIMITED);
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        struct str line;

        if (!table_list_unbrace(word, &line, why)) {
            strbuf_done(&lines);
            return false;
        }
        strbuf_append(&lines, line);
        strbuf_append_char(&lines, '\n');
    }
    *text_out = arena_str(arena, strbuf_str(&lines));
    strbuf_done(&lines);
    return true;
}

bool table_source_load(struct table *table, struct str argument, bool is_inline_allowed, struct str *text_out,
                       struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct strbuf text;
    bool is_loaded;

    if (is_inline_allowed && argument.data[0] == '{')
        return load_inline(arena, argument, text_out, why) || failure_prefix(why, "%s map", table->type->name);
    strbuf_init(&text, SOURCE_MAX);
    table_set_add_file(table->set, argument);
    is_loaded = file_load(arena_c(arena, argument), &text, why);
    if (is_loaded)
        *text_out = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return is_loaded;
}
