/* SPDX-License-Identifier: Apache-2.0 */
#include "postmap/query.h"

#include "base/json.h"
#include "base/strbuf.h"
#include "log/log.h"
#include "mail/domain.h"
#include "os/file.h"
#include "postmap/file_values.h"
#include "postmap/message_keys.h"

#include <stdio.h>
#include <unistd.h>

enum { INPUT_MAX = 1024 * 1024 * 1024 };

struct query {
    const struct postmap_options *options;
    struct table **tables;
    size_t count;
    bool checks_utf8;
    bool is_found;
};

/* One line: "key value", "key: value" or {"key": "value"}. */
static void put_pair(const struct postmap_options *options, struct str key, struct str value)
{
    struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    if (options->is_json) {
        strbuf_append_char(&line, '{');
        json_append_string(&line, key);
        strbuf_append_c(&line, ": ");
        json_append_string(&line, value);
        strbuf_append_char(&line, '}');
    } else {
        strbuf_append(&line, key);
        strbuf_append_c(&line, options->is_postalias ? ":\t" : "\t");
        strbuf_append(&line, value);
    }
    strbuf_append_char(&line, '\n');
    fwrite(line.data, 1, line.len, stdout);
    strbuf_done(&line);
}

static bool is_of_type(const struct table *table, const char *const *types)
{
    struct str type, rest;

    (void) str_cut(table_name(table), ':', &type, &rest);
    for (; *types != NULL; types++) {
        if (str_equal(type, str_from_c(*types)))
            return true;
    }
    return false;
}

/* For messages: "hash:/etc/x.db". */
static struct str shown_name(const struct table *table, struct arena *arena)
{
    static const char *const berkeley[] = { "hash", "btree", NULL };

    return arena_printf(arena, "%.*s%s", STR_ARG(table_name(table)), is_of_type(table, berkeley) ? ".db" : "");
}

static bool fail(const struct table *table, struct arena *arena, struct failure *why)
{
    return failure_set(why, FAILURE_PERMANENT, 0, "table %.*s: query error", STR_ARG(shown_name(table, arena)));
}

/* A table that cannot answer: the reason as a warning, and then which table it was, as in Postfix. */
static bool tell_trouble(const struct table *table, struct failure *why)
{
    struct failure reason = *why;
    struct str name = table_name(table);
    size_t said = str_find(str_from_c(reason.text), STR(": query error"));

    /* fail: says no more than that, also from inside other tables. */
    if (said != STR_NOT_FOUND)
        return failure_set(why, reason.kind, 0, "table %.*s%s", STR_ARG(name), reason.text + said);
    log_warning("%s", reason.text);
    return failure_set(why, reason.kind, reason.error, "table %.*s: query error", STR_ARG(name));
}

/* Tables that are text when they are opened name files; others keep what was in them. */
static bool convert_value(const struct table *table, struct str key, struct arena *arena, struct str *value,
                          struct failure *why)
{
    static const char *const texts[] = { "texthash", "inline", "static", "cidr", "pcre", "regexp", NULL };

    if (is_of_type(table, texts))
        return file_values_load(*value, arena, value, why);
    if (file_values_decode(*value, arena, value))
        return true;
    log_warning("table %.*s: key %.*s: malformed BASE64 value: %.*s", STR_ARG(shown_name(table, arena)), STR_ARG(key),
                STR_ARG(str_part(*value, 0, 30)));
    return fail(table, arena, why);
}

static bool is_good_key(const struct query *query, const struct table *table, struct str key, struct arena *arena)
{
    if (!query->checks_utf8 || domain_is_utf8(key))
        return true;
    log_warning("%.*s: non-UTF-8 key \"%.*s\": malformed UTF-8 or invalid codepoint", STR_ARG(shown_name(table, arena)),
                STR_ARG(key));
    return false;
}

static bool is_good_value(const struct query *query, const struct table *table, struct str key, struct str value,
                          struct arena *arena, struct failure *why)
{
    if (!query->checks_utf8 || domain_is_utf8(value))
        return true;
    log_warning("%.*s: key \"%.*s\": non-UTF-8 value \"%.*s\": malformed UTF-8 or invalid codepoint",
                STR_ARG(shown_name(table, arena)), STR_ARG(key), STR_ARG(value));
    return fail(table, arena, why);
}

static void warn_of_empty(const struct table *table, struct str key, struct arena *arena)
{
    struct str name = shown_name(table, arena);

    log_warning("table %.*s: key %.*s: empty string result is not allowed", STR_ARG(name), STR_ARG(key));
    log_warning("table %.*s should return NO RESULT in case of NOT FOUND", STR_ARG(name));
}

static bool find(const struct query *query, struct str key, struct arena *arena, struct str *value_out, bool *found_out,
                 struct failure *why)
{
    *found_out = false;
    for (size_t i = 0; i < query->count; i++) {
        struct table *table = query->tables[i];

        if (!is_good_key(query, table, key, arena))
            continue;
        switch (table_lookup(table, key, arena, value_out, why)) {
        case TABLE_FOUND:
            *found_out = true;
            if (str_is_empty(*value_out))
                warn_of_empty(table, key, arena);
            return is_good_value(query, table, key, *value_out, arena, why) &&
                   (!query->options->has_file_values || convert_value(table, key, arena, value_out, why));
        case TABLE_ABSENT:
            break;
        case TABLE_UNKNOWN:
            return tell_trouble(table, why);
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
        put_pair(query->options, key, value);
        query->is_found = true;
    }
    arena_destroy(&arena);
    return is_done;
}

static bool query_message_key(void *context, bool is_header, struct str key, struct failure *why)
{
    struct query *query = context;

    if (is_header ? query->options->header_mode : query->options->body_mode)
        return print_pair(query, key, why);
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
        is_done = message_keys_walk(rest, query->options->parses_mime, query_message_key, query, why);
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

    if (is_done && query->is_found && query->options->is_json)
        put_pair(query->options, query->options->key, value);
    else if (is_done && query->is_found)
        printf("%.*s\n", STR_ARG(value));
    arena_destroy(&arena);
    return is_done;
}

bool query_key(const struct postmap_options *options, struct table_set *set, char **tables, size_t count,
               bool *found_out, struct failure *why)
{
    bool is_message = options->header_mode || options->body_mode;
    struct query query = { .options = options,
                           .checks_utf8 = options->checks_utf8 && (!is_message || options->forces_utf8) };
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

struct listing {
    const struct postmap_options *options;
    struct table *table;
    struct arena *arena; /* of one entry */
};

/* An entry that cannot be shown is told and left out. */
static bool print_entry(void *context, struct str key, struct str value)
{
    const struct listing *listing = context;
    struct failure ignored;

    arena_reset(listing->arena);
    if (!listing->options->has_file_values || convert_value(listing->table, key, listing->arena, &value, &ignored))
        put_pair(listing->options, key, value);
    return true;
}

bool query_list(const struct postmap_options *options, struct table *table, struct failure *why)
{
    struct listing listing = { options, table, arena_create() };
    bool is_done = table_walk(table, print_entry, &listing, why);

    arena_destroy(&listing.arena);
    return is_done;
}
