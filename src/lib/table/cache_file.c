/* SPDX-License-Identifier: Apache-2.0 */
#include "table/cache_file.h"

#include "os/file.h"
#include "os/privilege.h"
#include "os/process.h"

#include <stdio.h>

/* The map is address space, not memory, and the file only as long as what is in it. */
#define MAP_BYTES ((size_t) 64 * 1024 * 1024 * 1024)

enum { CHECK_SECONDS = 60 };

/* Of LMDB's files: the first two pages tell of the rest, and database 0 of what is free. */
enum { FREE_PAGES = 0, FIRST_PAGE = 2 };

int cache_file_open(const char *path, unsigned flags, MDB_env **environment_out, MDB_dbi *database_out)
{
    MDB_txn *transaction;
    int error = mdb_env_create(environment_out);

    if (error != 0)
        return error;
    error = mdb_env_set_mapsize(*environment_out, MAP_BYTES);
    if (error == 0)
        error = mdb_env_open(*environment_out, path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0600);
    if (error == 0)
        error = mdb_txn_begin(*environment_out, NULL, flags & MDB_RDONLY, &transaction);
    if (error == 0) {
        error = mdb_dbi_open(transaction, NULL, 0, database_out);
        if (error == 0)
            error = mdb_txn_commit(transaction);
        else
            mdb_txn_abort(transaction);
    }
    if (error != 0) {
        mdb_env_close(*environment_out);
        *environment_out = NULL;
    }
    return error;
}

void cache_file_forget(const char *path)
{
    char lock_path[4096];
    struct failure ignored;

    snprintf(lock_path, sizeof(lock_path), "%s-lock", path);
    (void) !file_unlink(path, &ignored);
    (void) !file_unlink(lock_path, &ignored);
}

/* ---- the look before ---- */

struct check {
    const char *path;
    uid_t uid;
    gid_t gid;
};

/* A file that was cut is mapped beyond its end: that is seen before it is read. */
static bool is_whole(MDB_env *environment, const char *path)
{
    struct stat status;
    struct failure ignored;
    MDB_envinfo info;
    MDB_stat stat;

    return mdb_env_info(environment, &info) == 0 && mdb_env_stat(environment, &stat) == 0 &&
           file_stat(path, &status, &ignored) && (size_t) status.st_size >= (info.me_last_pgno + 1) * stat.ms_psize;
}

static bool read_value(const MDB_envinfo *info, MDB_val value)
{
    unsigned sum = 0;

    (void) info;
    for (size_t i = 0; i < value.mv_size; i++)
        sum += ((const volatile unsigned char *) value.mv_data)[i];
    (void) sum;
    return true;
}

/* A number of pages, and then each of them, the last first: who writes trusts that they are in the file, and free. */
static bool is_list_of_pages(const MDB_envinfo *info, MDB_val value)
{
    const char *data = value.mv_data;
    size_t count, page, above = info->me_last_pgno + 1;

    if (value.mv_size < sizeof(count))
        return false;
    memcpy(&count, data, sizeof(count));
    if (count > value.mv_size / sizeof(page) - 1)
        return false;
    for (size_t i = 1; i <= count; i++, above = page) {
        memcpy(&page, data + i * sizeof(page), sizeof(page));
        if (page < FIRST_PAGE || page >= above)
            return false;
    }
    return true;
}

static bool read_all(MDB_env *environment, MDB_dbi database, bool (*is_good)(const MDB_envinfo *info, MDB_val value))
{
    MDB_txn *transaction;
    MDB_cursor *cursor;
    MDB_val key, value;
    MDB_envinfo info;
    MDB_stat stat;
    size_t count = 0;
    int error;

    if (mdb_env_info(environment, &info) != 0 || mdb_txn_begin(environment, NULL, MDB_RDONLY, &transaction) != 0 ||
        mdb_stat(transaction, database, &stat) != 0 || mdb_cursor_open(transaction, database, &cursor) != 0)
        return false;
    while ((error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0 && count <= stat.ms_entries) {
        count++;
        if (!is_good(&info, value))
            return false;
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
    return error == MDB_NOTFOUND && count == stat.ms_entries;
}

/* In a child process: it may well die of what it finds. */
static bool is_readable(void *context)
{
    const struct check *check = context;
    MDB_env *environment;
    MDB_dbi database;
    struct failure why;

    if (privilege_is_root() && !privilege_drop(check->uid, check->gid, &why))
        return false;
    return cache_file_open(check->path, MDB_RDONLY | MDB_NOLOCK, &environment, &database) == 0 &&
           is_whole(environment, check->path) && read_all(environment, FREE_PAGES, is_list_of_pages) &&
           read_all(environment, database, read_value);
}

static bool remove_as_owner(void *context)
{
    const struct check *check = context;
    struct failure why;

    if (privilege_is_root() && !privilege_drop(check->uid, check->gid, &why))
        return false;
    cache_file_forget(check->path);
    return true;
}

bool cache_file_look(const char *path, uid_t uid, gid_t gid, bool *is_damaged_out, struct failure *why)
{
    struct check check = { path, uid, gid };
    struct stat status;
    struct failure ignored;
    bool is_good;

    *is_damaged_out = false;
    if (!file_stat_link(path, &status, &ignored))
        return true;
    if (!process_try(is_readable, &check, CHECK_SECONDS, &is_good, why))
        return false;
    if (is_good)
        return true;
    *is_damaged_out = true;
    return process_try(remove_as_owner, &check, CHECK_SECONDS, &is_good, why);
}
