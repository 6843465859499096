/* SPDX-License-Identifier: Apache-2.0 */
/* static: answers every key with its own text; fail: answers no key, ever. */
#include "table/table_type.h"

static bool static_open(struct table *table, struct str argument, struct failure *why)
{
    struct str *value = arena_new(table_set_arena(table->set), struct str);

    if (str_starts_with(argument, STR("{"))) {
        if (!str_ends_with(argument, STR("}")))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "bad static:name syntax: missing '}' in \"%.*s\"",
                               STR_ARG(argument));
        argument = str_trim(str_part(argument, 1, argument.len - 2));
    }
    *value = argument;
    table->state = value;
    return true;
}

static enum table_result static_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                       struct failure *why)
{
    (void) key;
    (void) why;
    *value_out = arena_str(arena, *(const struct str *) table->state);
    return TABLE_FOUND;
}

static bool fail_open(struct table *table, struct str argument, struct failure *why)
{
    (void) table;
    (void) argument;
    (void) why;
    return true;
}

static enum table_result fail_lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                     struct failure *why)
{
    (void) key;
    (void) arena;
    (void) value_out;
    (void) failure_set(why, FAILURE_RETRY, 0, "table %.*s: query error: Application error", STR_ARG(table->name));
    return TABLE_UNKNOWN;
}

const struct table_type static_table_type = {
    .name = "static",
    .kind = TABLE_FIXED,
    .open = static_open,
    .lookup = static_lookup,
};

const struct table_type fail_table_type = {
    .name = "fail",
    .kind = TABLE_FIXED,
    .open = fail_open,
    .lookup = fail_lookup,
};
