/* SPDX-License-Identifier: Apache-2.0 */
/* debug: any other table, with a log line for each lookup: the one table whose purpose is to log. */
#include "table/log_lines.h"
#include "table/table_type.h"

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct table *inner;

    if (!table_open(table->set, argument, table->flags, &inner, why))
        return false;
    table->kind = inner->kind;
    table->state = inner;
    return true;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    struct failure inner_why = { 0 };
    enum table_result result = table_lookup(table->state, key, arena, value_out, &inner_why);

    log_table_lookup(table->name, key, result, result == TABLE_FOUND ? *value_out : STR_EMPTY, &inner_why);
    if (result == TABLE_UNKNOWN && why != NULL)
        *why = inner_why;
    return result;
}

static bool walk(struct table *table, bool (*visit)(void *context, struct str key, struct str value), void *context,
                 struct failure *why)
{
    return table_walk(table->state, visit, context, why);
}

const struct table_type debug_table_type = {
    .name = "debug",
    .kind = TABLE_FIXED,
    .open = open_table,
    .lookup = lookup,
    .walk = walk,
};
