/* SPDX-License-Identifier: Apache-2.0 */
#include "table/berkeley.h"
#include "table/store.h"

enum { WRITE_CACHE_BYTES = 16 * 1024 * 1024 };

static bool open_store(const char *path, DBTYPE type, void **handle_out, struct failure *why)
{
    DB *db;

    if (!berkeley_open(path, type, DB_CREATE, WRITE_CACHE_BYTES, &db, why))
        return false;
    *handle_out = db;
    return true;
}

static bool open_hash(const char *path, void **handle_out, struct failure *why)
{
    return open_store(path, DB_HASH, handle_out, why);
}

static bool open_btree(const char *path, void **handle_out, struct failure *why)
{
    return open_store(path, DB_BTREE, handle_out, why);
}

static bool fail(struct failure *why, const char *what, int error)
{
    if (error > 0)
        return failure_system(why, error, "%s database", what);
    return failure_set(why, FAILURE_RETRY, 0, "%s database: %s", what, db_strerror(error));
}

static bool put(void *handle, struct str key, struct str value, bool may_replace, bool *is_duplicate_out,
                struct failure *why)
{
    DB *db = handle;
    DBT key_item = berkeley_text(key);
    DBT value_item = berkeley_text(value);
    int error = db->put(db, NULL, &key_item, &value_item, may_replace ? 0 : DB_NOOVERWRITE);

    if (error != 0 && error != DB_KEYEXIST)
        return fail(why, "write", error);
    *is_duplicate_out = error == DB_KEYEXIST;
    return true;
}

static bool remove_key(void *handle, struct str key, bool *was_there_out, struct failure *why)
{
    DB *db = handle;
    DBT item = berkeley_text(key);
    int error = db->del(db, NULL, &item, 0);

    if (error != 0 && error != DB_NOTFOUND)
        return fail(why, "change", error);
    *was_there_out = error == 0;
    return true;
}

static bool commit(void *handle, struct failure *why)
{
    DB *db = handle;
    int error = db->close(db, 0);

    return error == 0 || fail(why, "write", error);
}

static void discard(void *handle)
{
    DB *db = handle;

    (void) db->close(db, DB_NOSYNC);
}

const struct store hash_store = { "hash", ".db", false, open_hash, put, remove_key, commit, discard };
const struct store btree_store = { "btree", ".db", false, open_btree, put, remove_key, commit, discard };
