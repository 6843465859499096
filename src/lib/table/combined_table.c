/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables made of tables: pipemap:{a, b} looks up each one's answer in the next; unionmap:{a, b} joins all answers
 * with a comma; randmap:{x, y} answers one of its words, by chance.
 */
#include "base/strbuf.h"
#include "os/random.h"
#include "table/table_list.h"
#include "table/table_type.h"

struct combined_table {
    struct table **tables;
    struct strlist words;
};

static bool fail_syntax(const struct table *table, struct failure *why)
{
    return failure_set(why, FAILURE_CONFIGURATION, 0, "bad syntax: \"%.*s\"; need \"%s:{%s...}\"", STR_ARG(table->name),
                       table->type->name, table->type == &randmap_table_type ? "value" : "type:name");
}

static bool split(struct table *table, struct str argument, struct combined_table **combined_out, struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct combined_table *combined = arena_new(arena, struct combined_table);
    struct str rest;
    struct str word;

    if (argument.len < 2 || argument.data[0] != '{' || argument.data[argument.len - 1] != '}')
        return fail_syntax(table, why);
    rest = str_part(argument, 1, argument.len - 2);
    while (table_list_next_word(&rest, ", \t\r\n", &word))
        strlist_add_view(&combined->words, arena, word);
    if (combined->words.count == 0)
        return fail_syntax(table, why);
    *combined_out = combined;
    return true;
}

static bool open_tables(struct table *table, struct str argument, struct failure *why)
{
    struct combined_table *combined;

    if (!split(table, argument, &combined, why))
        return false;
    combined->tables = arena_new_array(table_set_arena(table->set), combined->words.count, struct table *);
    for (size_t i = 0; i < combined->words.count; i++) {
        if (!str_contains_char(combined->words.items[i], ':'))
            return fail_syntax(table, why);
        if (!table_open(table->set, combined->words.items[i], table->flags, &combined->tables[i], why))
            return false;
        if (combined->tables[i]->kind == TABLE_PATTERN)
            table->kind = TABLE_PATTERN;
    }
    table->state = combined;
    return true;
}

static bool open_words(struct table *table, struct str argument, struct failure *why)
{
    struct combined_table *combined;

    if (!split(table, argument, &combined, why))
        return false;
    table->state = combined;
    return true;
}

static enum table_result pipe_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                     struct failure *why)
{
    const struct combined_table *combined = table->state;
    struct str value = key;

    for (size_t i = 0; i < combined->words.count; i++) {
        enum table_result result = table_lookup(combined->tables[i], value, arena, &value, why);

        if (result != TABLE_FOUND)
            return result;
    }
    *value_out = value;
    return TABLE_FOUND;
}

static enum table_result union_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                      struct failure *why)
{
    const struct combined_table *combined = table->state;
    struct str joined = STR_EMPTY;
    bool is_found = false;

    for (size_t i = 0; i < combined->words.count; i++) {
        struct str value;
        enum table_result result = table_lookup(combined->tables[i], key, arena, &value, why);

        if (result == TABLE_UNKNOWN)
            return result;
        if (result == TABLE_ABSENT)
            continue;
        joined = is_found ? arena_printf(arena, "%.*s,%.*s", STR_ARG(joined), STR_ARG(value)) : value;
        is_found = true;
    }
    if (!is_found)
        return TABLE_ABSENT;
    *value_out = joined;
    return TABLE_FOUND;
}

static enum table_result random_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                       struct failure *why)
{
    const struct combined_table *combined = table->state;

    (void) key;
    (void) why;
    *value_out = arena_str(arena, combined->words.items[random_below(combined->words.count)]);
    return TABLE_FOUND;
}

const struct table_type pipemap_table_type = {
    .name = "pipemap",
    .kind = TABLE_FIXED,
    .open = open_tables,
    .lookup = pipe_lookup,
};

const struct table_type unionmap_table_type = {
    .name = "unionmap",
    .kind = TABLE_FIXED,
    .open = open_tables,
    .lookup = union_lookup,
};

const struct table_type randmap_table_type = {
    .name = "randmap",
    .kind = TABLE_PATTERN,
    .open = open_words,
    .lookup = random_lookup,
};
