/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/query.h"

#include "base/strbuf.h"
#include "os/file.h"

#include <stdio.h>
#include <unistd.h>

enum { INPUT_MAX = 1024 * 1024 * 1024 };

struct query {
    const struct postmap_options *options;
    struct table **tables;
    size_t count;
    bool is_found;
};

static const char *separator(const struct postmap_options *options)
{
    return options->is_postalias ? ":\t" : "\t";
}

static bool find(const struct query *query, struct str key, struct arena *arena, struct str *value_out, bool *found_out,
                 struct failure *why)
{
    *found_out = false;
    for (size_t i = 0; i < query->count; i++) {
        switch (table_lookup(query->tables[i], key, arena, value_out, why)) {
        case TABLE_FOUND:
            *found_out = true;
            return true;
        case TABLE_ABSENT:
            break;
        case TABLE_UNKNOWN:
            return false;
        }
    }
    return true;
}

static bool print_pair(struct query *query, struct str key, struct failure *why)
{
    struct arena *arena = arena_create();
    struct str value;
    bool is_found;
    bool is_done = find(query, key, arena, &value, &is_found, why);

    if (is_done && is_found) {
        printf("%.*s%s%.*s\n", STR_ARG(key), separator(query->options), STR_ARG(value));
        query->is_found = true;
    }
    arena_destroy(&arena);
    return is_done;
}

static bool is_header_line(struct str line)
{
    size_t colon = str_find_char(line, ':');

    return colon != STR_NOT_FOUND && colon > 0 && str_find_any(str_part(line, 0, colon), " \t") == STR_NOT_FOUND;
}

/* Takes one logical header line, with its folded parts, off *rest. */
static struct str take_header(struct str *rest)
{
    size_t end = 0;
    struct str all = *rest;

    do {
        size_t newline = str_find_char(str_from(all, end), '\n');

        end = newline == STR_NOT_FOUND ? all.len : end + newline + 1;
    } while (end < all.len && (all.data[end] == ' ' || all.data[end] == '\t'));
    *rest = str_from(all, end);
    return str_trim_right(str_part(all, 0, end));
}

/* -h: each header is a key; -b: each line of the body is one. */
static bool query_message(struct query *query, struct str text, struct failure *why)
{
    struct str line;
    struct str after;

    while (!str_is_empty(text)) {
        (void) str_cut(text, '\n', &line, &after);
        if (!is_header_line(line))
            break;
        line = take_header(&text);
        if (query->options->header_mode && !print_pair(query, line, why))
            return false;
    }
    while (query->options->body_mode && !str_is_empty(text)) {
        (void) str_cut(text, '\n', &line, &text);
        if (!str_is_empty(line) && !print_pair(query, line, why))
            return false;
    }
    return true;
}

static bool query_lines(struct query *query, struct failure *why)
{
    struct strbuf text;
    struct str rest;
    struct str line;
    bool is_done;

    strbuf_init(&text, INPUT_MAX);
    is_done = file_load_fd(STDIN_FILENO, "standard input", &text, why);
    rest = strbuf_str(&text);
    if (is_done && (query->options->header_mode || query->options->body_mode)) {
        is_done = query_message(query, rest, why);
        rest = STR_EMPTY;
    }
    while (is_done && !str_is_empty(rest)) {
        (void) str_cut(rest, '\n', &line, &rest);
        is_done = print_pair(query, line, why);
    }
    strbuf_done(&text);
    return is_done;
}

static bool query_one(struct query *query, struct failure *why)
{
    struct arena *arena = arena_create();
    struct str value;
    bool is_done = find(query, query->options->key, arena, &value, &query->is_found, why);

    if (is_done && query->is_found)
        printf("%.*s\n", STR_ARG(value));
    arena_destroy(&arena);
    return is_done;
}

bool query_key(const struct postmap_options *options, struct table_set *set, char **tables, size_t count,
               bool *found_out, struct failure *why)
{
    struct query query = { .options = options };
    struct arena *arena = arena_create();
    unsigned flags = options->keeps_case ? 0 : TABLE_FOLD;
    bool is_done = true;

    query.tables = arena_new_array(arena, count, struct table *);
    for (; is_done && query.count < count; query.count++)
        is_done = table_open(set, str_from_c(tables[query.count]), flags, &query.tables[query.count], why);
    if (is_done)
        is_done = str_equal(options->key, STR("-")) ? query_lines(&query, why) : query_one(&query, why);
    arena_destroy(&arena);
    *found_out = query.is_found;
    return is_done;
}

static bool print_entry(void *context, struct str key, struct str value)
{
    const struct postmap_options *options = context;

    printf("%.*s%s%.*s\n", STR_ARG(key), separator(options), STR_ARG(value));
    return true;
}

bool query_list(const struct postmap_options *options, struct table *table, struct failure *why)
{
    struct postmap_options copy = *options;

    return table_walk(table, print_entry, &copy, why);
}
