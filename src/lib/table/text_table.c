/* SPDX-License-Identifier: Apache-2.0 */
/* texthash: a postmap source held in memory; inline: the same, written in the table's name. */
#include "base/map.h"
#include "base/memory.h"
#include "mail/casefold.h"
#include "mail/domain.h"
#include "table/table_list.h"
#include "table/table_source.h"
#include "table/table_type.h"

struct text_table {
    struct map *values; /* to struct str */
};

static struct text_table *create(struct table *table)
{
    struct text_table *text = arena_new(table_set_arena(table->set), struct text_table);

    text->values = map_create();
    table->state = text;
    return text;
}

static void close_table(struct table *table)
{
    struct text_table *text = table->state;

    map_destroy(&text->values);
}

/* The first of two values stays. False if there was one. */
static bool add(struct table *table, struct str key, struct str value)
{
    struct text_table *text = table->state;
    struct arena *arena = table_set_arena(table->set);
    struct str *copy;

    if ((table->flags & TABLE_FOLD) != 0)
        key = casefold(arena, key);
    if (map_get(text->values, key) != NULL)
        return false;
    copy = arena_new(arena, struct str);
    *copy = arena_str(arena, value);
    map_set(text->values, key, copy);
    return true;
}

static bool texthash_open(struct table *table, struct str argument, struct failure *why)
{
    const struct table_set_options *options = table_set_options(table->set);
    struct arena *scratch;
    struct table_source source;
    struct str text;
    struct str line;
    unsigned number;

    if (!table_source_load(table, argument, false, &text, why))
        return failure_set(why, why->kind, why->error, "open database %.*s", STR_ARG(argument));
    (void) create(table);
    scratch = arena_create();
    table_source_init(&source, text);
    table_source_skip_indented(&source, argument, options->warn, options->warn_context);
    while (table_source_next(&source, &line, &number)) {
        const char *problem;
        const char *advice;
        struct str key;
        struct str value;

        if (table_wants_utf8(table) && !domain_is_utf8(line)) {
            table_set_warn(table->set, "%.*s, line %u: non-UTF-8 input \"%.*s\" -- ignoring this line",
                           STR_ARG(argument), number, STR_ARG(line));
            continue;
        }
        if (!table_source_split(TABLE_SOURCE_KEY_VALUE, line, scratch, &key, &value, &problem, &advice)) {
            table_set_warn(table->set, "%.*s, line %u: %s -- ignoring this line", STR_ARG(argument), number, problem);
            continue;
        }
        if (advice != NULL)
            table_set_warn(table->set, "%.*s, line %u: %s", STR_ARG(argument), number, advice);
        if (!add(table, key, value))
            table_set_warn(table->set, "%.*s, line %u: duplicate entry: \"%.*s\"", STR_ARG(argument), number,
                           STR_ARG(key));
    }
    table_source_done(&source);
    arena_destroy(&scratch);
    return true;
}

static bool add_inline(struct table *table, struct str word, struct failure *why)
{
    struct str key;
    struct str value;

    if (str_starts_with(word, STR("{"))) {
        struct failure syntax;

        if (!table_list_unbrace(word, &word, &syntax))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%s: \"%.*s\"; need \"inline:{name=value...}\"",
                               syntax.text, STR_ARG(table->name));
    }
    if (!str_cut(word, '=', &key, &value))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "missing '=' after attribute name: \"%.*s\"; need \"inline:{name=value...}\"",
                           STR_ARG(table->name));
    key = str_trim(key);
    if (str_is_empty(key))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "empty attribute name: \"%.*s\"; need \"inline:{name=value...}\"", STR_ARG(table->name));
    if (!add(table, key, str_trim(value)))
        table_set_warn(table->set, "%.*s: duplicate entry: \"%.*s\"", STR_ARG(table->name), STR_ARG(key));
    return true;
}

static bool inline_open(struct table *table, struct str argument, struct failure *why)
{
    struct str word;
    struct str rest;
    bool is_empty = true;

    if (argument.len < 2 || argument.data[0] != '{' || argument.data[argument.len - 1] != '}')
        return failure_set(why, FAILURE_CONFIGURATION, 0, "bad syntax: \"%.*s\"; need \"inline:{name=value...}\"",
                           STR_ARG(table->name));
    if (table_wants_utf8(table) && !domain_is_utf8(argument))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "bad UTF-8 syntax: \"%.*s\"; need \"inline:{name=value...}\"",
                           STR_ARG(table->name));
    rest = str_part(argument, 1, argument.len - 2);
    (void) create(table);
    while (table_list_next_word(&rest, ", \t\r\n", &word)) {
        is_empty = false;
        if (!add_inline(table, word, why)) {
            close_table(table);
            return false;
        }
    }
    if (is_empty) {
        close_table(table);
        return failure_set(why, FAILURE_CONFIGURATION, 0, "bad syntax: \"%.*s\"; need \"inline:{name=value...}\"",
                           STR_ARG(table->name));
    }
    return true;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    const struct text_table *text = table->state;
    const struct str *value = map_get(text->values, key);

    (void) why;
    if (value == NULL)
        return TABLE_ABSENT;
    *value_out = arena_str(arena, *value);
    return TABLE_FOUND;
}

static bool walk(struct table *table, bool (*visit)(void *context, struct str key, struct str value), void *context,
                 struct failure *why)
{
    const struct text_table *text = table->state;

    (void) why;
    for (struct map_entry *entry = map_first(text->values); entry != NULL; entry = map_next(entry)) {
        if (!visit(context, map_entry_key(entry), *(const struct str *) map_entry_value(entry)))
            break;
    }
    return true;
}

const struct table_type texthash_table_type = {
    .name = "texthash",
    .kind = TABLE_FIXED,
    .open = texthash_open,
    .lookup = lookup,
    .walk = walk,
    .close = close_table,
};

const struct table_type inline_table_type = {
    .name = "inline",
    .kind = TABLE_FIXED,
    .open = inline_open,
    .lookup = lookup,
    .walk = walk,
    .close = close_table,
};
