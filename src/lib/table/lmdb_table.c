/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmdb: one file, "name.lmdb". postmap replaces it by a new one, so that no lock between readers and writers is needed.
 * No transaction lives longer than one lookup.
 */
#include "table/table_type.h"

#include <lmdb.h>

struct lmdb_table {
    MDB_env *environment;
    MDB_dbi database;
};

static bool fail(struct failure *why, const struct table *table, int error)
{
    if (error > 0)
        return failure_system(why, error, "%.*s", STR_ARG(table->name));
    return failure_set(why, FAILURE_RETRY, 0, "%.*s: %s", STR_ARG(table->name), mdb_strerror(error));
}

static bool begin(struct table *table, MDB_txn **transaction_out, struct failure *why)
{
    struct lmdb_table *lmdb = table->state;
    int error = mdb_txn_begin(lmdb->environment, NULL, MDB_RDONLY, transaction_out);

    return error == 0 || fail(why, table, error);
}

static bool open_database(struct table *table, struct failure *why)
{
    struct lmdb_table *lmdb = table->state;
    MDB_txn *transaction;
    int error;

    if (!begin(table, &transaction, why))
        return false;
    error = mdb_dbi_open(transaction, NULL, 0, &lmdb->database);
    if (error != 0) {
        mdb_txn_abort(transaction);
        return fail(why, table, error);
    }
    error = mdb_txn_commit(transaction);
    return error == 0 || fail(why, table, error);
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct lmdb_table *lmdb = arena_new(arena, struct lmdb_table);
    struct str path = arena_printf(arena, "%.*s.lmdb", STR_ARG(argument));
    int error = mdb_env_create(&lmdb->environment);

    if (error != 0)
        return fail(why, table, error);
    table_set_add_file(table->set, path);
    error = mdb_env_open(lmdb->environment, path.data, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0644);
    table->state = lmdb;
    if (error != 0 || !open_database(table, why)) {
        mdb_env_close(lmdb->environment);
        if (error > 0)
            return failure_system(why, error, "open database %s", path.data);
        return error == 0
                   ? false
                   : failure_set(why, FAILURE_CONFIGURATION, 0, "open database %s: %s", path.data, mdb_strerror(error));
    }
    return true;
}

static void close_table(struct table *table)
{
    struct lmdb_table *lmdb = table->state;

    mdb_env_close(lmdb->environment);
}

static struct str content(const MDB_val *item)
{
    struct str text = str_make(item->mv_data, item->mv_size);

    if (text.len > 0 && text.data[text.len - 1] == '\0')
        text.len--;
    return text;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    struct lmdb_table *lmdb = table->state;
    struct str copy = arena_str(arena, key);
    MDB_txn *transaction;
    MDB_val value;
    int error = MDB_NOTFOUND;

    if (key.len == 0 || key.len >= (size_t) mdb_env_get_maxkeysize(lmdb->environment))
        return TABLE_ABSENT;
    if (!begin(table, &transaction, why))
        return TABLE_UNKNOWN;
    for (size_t tries = 0; tries < 2 && error == MDB_NOTFOUND; tries++) {
        MDB_val item = { copy.len + 1 - tries, (void *) (uintptr_t) copy.data }; /* UNSAFE: arena_str adds a NUL */

        error = mdb_get(transaction, lmdb->database, &item, &value);
    }
    if (error == 0)
        *value_out = arena_str(arena, content(&value));
    mdb_txn_abort(transaction);
    if (error == 0)
        return TABLE_FOUND;
    if (error == MDB_NOTFOUND)
        return TABLE_ABSENT;
    (void) fail(why, table, error);
    return TABLE_UNKNOWN;
}

static bool walk(struct table *table, bool (*visit)(void *context, struct str key, struct str value), void *context,
                 struct failure *why)
{
    struct lmdb_table *lmdb = table->state;
    MDB_txn *transaction;
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    int error;

    if (!begin(table, &transaction, why))
        return false;
    error = mdb_cursor_open(transaction, lmdb->database, &cursor);
    if (error != 0) {
        mdb_txn_abort(transaction);
        return fail(why, table, error);
    }
    while ((error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (!visit(context, content(&key), content(&value)))
            break;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
    return error == 0 || error == MDB_NOTFOUND || fail(why, table, error);
}

const struct table_type lmdb_table_type = {
    .name = "lmdb",
    .kind = TABLE_FIXED,
    .open = open_table,
    .lookup = lookup,
    .walk = walk,
    .close = close_table,
};
