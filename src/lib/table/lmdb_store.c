/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "table/store.h"

#include <lmdb.h>

/* The map is address space, not memory, and the file only as long as what is in it. */
#define MAP_BYTES ((size_t) 64 * 1024 * 1024 * 1024)

struct lmdb_handle {
    MDB_env *environment;
    MDB_txn *transaction;
    MDB_dbi database;
};

static bool fail(struct failure *why, const char *what, int error)
{
    if (error > 0)
        return failure_system(why, error, "%s", what);
    return failure_set(why, FAILURE_RETRY, 0, "%s: %s", what, mdb_strerror(error));
}

static int prepare(struct lmdb_handle *handle, const char *path)
{
    int error = mdb_env_set_mapsize(handle->environment, MAP_BYTES);

    if (error == 0)
        error = mdb_env_open(handle->environment, path, MDB_NOSUBDIR | MDB_NOLOCK, 0644);
    if (error == 0)
        error = mdb_txn_begin(handle->environment, NULL, 0, &handle->transaction);
    if (error == 0)
        error = mdb_dbi_open(handle->transaction, NULL, 0, &handle->database);
    return error;
}

static void discard(void *opaque)
{
    struct lmdb_handle *handle = opaque;

    if (handle->transaction != NULL)
        mdb_txn_abort(handle->transaction);
    mdb_env_close(handle->environment);
    memory_free(handle);
}

static bool open_store(const char *path, void **handle_out, struct failure *why)
{
    struct lmdb_handle *handle = memory_alloc(sizeof(*handle));
    int error = mdb_env_create(&handle->environment);

    if (error != 0) {
        memory_free(handle);
        return fail(why, path, error);
    }
    error = prepare(handle, path);
    if (error != 0) {
        discard(handle);
        (void) fail(why, path, error);
        return failure_prefix(why, "open database");
    }
    *handle_out = handle;
    return true;
}

static MDB_val item_of(struct str text)
{
    return (MDB_val){ text.len, (void *) (uintptr_t) text.data };
}

static bool put(void *opaque, struct str key, struct str value, bool may_replace, bool *is_duplicate_out,
                struct failure *why)
{
    struct lmdb_handle *handle = opaque;
    MDB_val key_item = item_of(key);
    MDB_val value_item = item_of(value);
    int error =
        mdb_put(handle->transaction, handle->database, &key_item, &value_item, may_replace ? 0 : MDB_NOOVERWRITE);

    if (error != 0 && error != MDB_KEYEXIST)
        return fail(why, "write database", error);
    *is_duplicate_out = error == MDB_KEYEXIST;
    return true;
}

static bool remove_key(void *opaque, struct str key, bool *was_there_out, struct failure *why)
{
    struct lmdb_handle *handle = opaque;
    MDB_val item = item_of(key);
    int error = mdb_del(handle->transaction, handle->database, &item, NULL);

    if (error != 0 && error != MDB_NOTFOUND)
        return fail(why, "change database", error);
    *was_there_out = error == 0;
    return true;
}

static bool commit(void *opaque, struct failure *why)
{
    struct lmdb_handle *handle = opaque;
    int error = mdb_txn_commit(handle->transaction);

    handle->transaction = NULL;
    discard(handle);
    return error == 0 || fail(why, "write database", error);
}

const struct store lmdb_store = { "lmdb", ".lmdb", false, open_store, put, remove_key, commit, discard };
