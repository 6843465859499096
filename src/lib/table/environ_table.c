/* SPDX-License-Identifier: Apache-2.0 */
/* environ: the variables of the process's environment. internal: a table that nobody has put anything into. */
#include "os/environment.h"
#include "table/table_type.h"

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    (void) table;
    (void) argument;
    (void) why;
    return true;
}

static enum table_result look_up_variable(struct table *table, struct str key, struct arena *arena,
                                          struct str *value_out, struct failure *why)
{
    const char *value = str_contains_char(key, '\0') ? NULL : environment_get(arena_c(arena, key));

    (void) table;
    (void) why;
    if (value == NULL)
        return TABLE_ABSENT;
    *value_out = arena_str(arena, str_from_c(value));
    return TABLE_FOUND;
}

static enum table_result look_up_nothing(struct table *table, struct str key, struct arena *arena,
                                         struct str *value_out, struct failure *why)
{
    (void) table;
    (void) key;
    (void) arena;
    (void) value_out;
    (void) why;
    return TABLE_ABSENT;
}

static bool walk_nothing(struct table *table, bool (*visit)(void *context, struct str key, struct str value),
                         void *context, struct failure *why)
{
    (void) table;
    (void) visit;
    (void) context;
    (void) why;
    return true;
}

const struct table_type environ_table_type = {
    .name = "environ",
    .kind = TABLE_FIXED,
    .open = open_table,
    .lookup = look_up_variable,
};

const struct table_type internal_table_type = {
    .name = "internal",
    .kind = TABLE_FIXED,
    .open = open_table,
    .lookup = look_up_nothing,
    .walk = walk_nothing,
};
