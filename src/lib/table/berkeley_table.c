/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash: and btree: Berkeley DB files as postmap writes them, "name.db". A key is looked for with the NUL at its end
 * that postmap adds; where the first key of the file has none, also without, as other programs' files have it.
 *
 * postmap replaces a file by a new one, so what is open here never changes. A program that writes into
 * the file instead makes every answer UNKNOWN until the next generation of workers opens it again: pages read before
 * and after the change would not fit together. That is looked at once in a turn of the loop.
 */
#include "os/file.h"
#include "run/loop.h"
#include "table/berkeley.h"
#include "table/table_type.h"

enum { READ_CACHE_BYTES = 128 * 1024 };

struct berkeley_table {
    DB *db;
    int fd;
    struct stat opened;
    bool has_only_nul_keys;
    struct instant looked; /* at the file, and it was unchanged */
};

static bool first_key_has_nul(DB *db)
{
    DBT key = berkeley_text(STR_EMPTY), value = berkeley_text(STR_EMPTY);
    DBC *cursor;
    bool has_nul;

    if (db->cursor(db, NULL, &cursor, 0) != 0)
        return false;
    has_nul =
        cursor->get(cursor, &key, &value, DB_FIRST) == 0 && key.size > 0 && berkeley_content(&key).len == key.size - 1;
    (void) cursor->close(cursor);
    return has_nul;
}

static bool open_table(struct table *table, struct str argument, DBTYPE type, struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct berkeley_table *berkeley = arena_new(arena, struct berkeley_table);
    struct str path = arena_printf(arena, "%.*s.db", STR_ARG(argument));

    table_set_add_file(table->set, path);
    if (!berkeley_open(path.data, type, DB_RDONLY, READ_CACHE_BYTES, &berkeley->db, why))
        return false;
    if (berkeley->db->fd(berkeley->db, &berkeley->fd) != 0 ||
        !file_stat_fd(berkeley->fd, path.data, &berkeley->opened, why)) {
        (void) berkeley->db->close(berkeley->db, DB_NOSYNC);
        return failure_set(why, FAILURE_RETRY, 0, "open database %s: its descriptor is not known", path.data);
    }
    berkeley->has_only_nul_keys = first_key_has_nul(berkeley->db);
    table->state = berkeley;
    return true;
}

static bool open_hash(struct table *table, struct str argument, struct failure *why)
{
    return open_table(table, argument, DB_HASH, why);
}

static bool open_btree(struct table *table, struct str argument, struct failure *why)
{
    return open_table(table, argument, DB_BTREE, why);
}

static void close_table(struct table *table)
{
    struct berkeley_table *berkeley = table->state;

    (void) berkeley->db->close(berkeley->db, DB_NOSYNC);
}

static bool is_unchanged(const struct table *table, struct failure *why)
{
    const struct loop *loop = table_set_options(table->set)->loop;
    struct berkeley_table *berkeley = table->state;
    struct stat now;

    if (loop != NULL && berkeley->looked.us == loop_now(loop).us)
        return true;
    if (!file_stat_fd(berkeley->fd, "table", &now, why))
        return false;
    if (now.st_size != berkeley->opened.st_size || now.st_mtim.tv_sec != berkeley->opened.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != berkeley->opened.st_mtim.tv_nsec)
        return failure_set(why, FAILURE_RETRY, 0, "%.*s was changed in place, it must be opened again",
                           STR_ARG(table->name));
    if (loop != NULL)
        berkeley->looked = loop_now(loop);
    return true;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    struct berkeley_table *berkeley = table->state;
    struct str copy = arena_str(arena, key);
    int error = DB_NOTFOUND;

    if (!is_unchanged(table, why))
        return TABLE_UNKNOWN;
    for (size_t extra = 1;; extra--) {
        DBT key_item = berkeley_text(str_make(copy.data, copy.len + extra)); /* UNSAFE: arena_str adds a NUL */
        DBT value_item = berkeley_text(STR_EMPTY);

        error = berkeley->db->get(berkeley->db, NULL, &key_item, &value_item, 0);
        if (error == 0) {
            *value_out = arena_str(arena, berkeley_content(&value_item));
            return TABLE_FOUND;
        }
        if (error != DB_NOTFOUND || extra == 0 || berkeley->has_only_nul_keys)
            break;
    }
    if (error == DB_NOTFOUND)
        return TABLE_ABSENT;
    (void) failure_set(why, FAILURE_RETRY, 0, "error reading %.*s: %s", STR_ARG(table->name), db_strerror(error));
    return TABLE_UNKNOWN;
}

static bool walk(struct table *table, bool (*visit)(void *context, struct str key, struct str value), void *context,
                 struct failure *why)
{
    struct berkeley_table *berkeley = table->state;
    DBC *cursor;
    int error = berkeley->db->cursor(berkeley->db, NULL, &cursor, 0);

    if (error != 0)
        return failure_set(why, FAILURE_RETRY, 0, "error reading %.*s: %s", STR_ARG(table->name), db_strerror(error));
    for (;;) {
        DBT key = berkeley_text(STR_EMPTY);
        DBT value = berkeley_text(STR_EMPTY);

        error = cursor->get(cursor, &key, &value, DB_NEXT);
        if (error != 0 || !visit(context, berkeley_content(&key), berkeley_content(&value)))
            break;
    }
    (void) cursor->close(cursor);
    if (error != 0 && error != DB_NOTFOUND)
        return failure_set(why, FAILURE_RETRY, 0, "error reading %.*s: %s", STR_ARG(table->name), db_strerror(error));
    return true;
}

const struct table_type hash_table_type = {
    .name = "hash",
    .kind = TABLE_FIXED,
    .open = open_hash,
    .lookup = lookup,
    .walk = walk,
    .close = close_table,
};

const struct table_type btree_table_type = {
    .name = "btree",
    .kind = TABLE_FIXED,
    .open = open_btree,
    .lookup = lookup,
    .walk = walk,
    .close = close_table,
};
