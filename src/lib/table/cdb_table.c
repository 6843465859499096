/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdb: constant database files as postmap writes them, "name.cdb", in memory as the kernel maps them. Its
 * keys all have a NUL at their end or none has, as the first one: such a file cannot be added to.
 *
 * A file that somebody changes in place, instead of making a new one, makes every answer UNKNOWN until the
 * next generation of workers opens it again.
 */
#include "os/fd.h"
#include "os/file.h"
#include "table/table_type.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>

struct cdb_table {
    struct cdb cdb;
    int fd;
    struct stat opened;
    bool has_nul;
};

static bool open_file(struct cdb_table *it, const char *path, struct failure *why)
{
    if (!file_open(path, O_RDONLY, 0, &it->fd, why))
        return failure_set(why, why->kind, why->error, "open database %s", path);
    if (!file_stat_fd(it->fd, path, &it->opened, why))
        return false;
    if (cdb_init(&it->cdb, it->fd) != 0)
        return failure_system(why, errno, "unable to init %s", path);
    return true;
}

static bool first_key_has_nul(struct cdb *cdb)
{
    unsigned position;
    const char *key;

    cdb_seqinit(&position, cdb);
    if (cdb_seqnext(&position, cdb) <= 0 || cdb_keylen(cdb) == 0)
        return false;
    key = cdb_getkey(cdb);
    return key != NULL && key[cdb_keylen(cdb) - 1] == '\0';
}

static bool open_table(struct table *table, struct str argument, struct failure *why)
{
    struct arena *arena = table_set_arena(table->set);
    struct cdb_table *it = arena_new(arena, struct cdb_table);
    struct str path = arena_printf(arena, "%.*s.cdb", STR_ARG(argument));

    it->fd = -1;
    table_set_add_file(table->set, path);
    if (!open_file(it, path.data, why)) {
        fd_close(&it->fd);
        return false;
    }
    it->has_nul = first_key_has_nul(&it->cdb);
    table->state = it;
    return true;
}

static void close_table(struct table *table)
{
    struct cdb_table *it = table->state;

    cdb_free(&it->cdb);
    fd_close(&it->fd);
}

/* What is mapped must be there. */
static bool is_unchanged(const struct table *table, struct failure *why)
{
    const struct cdb_table *it = table->state;
    struct stat now;

    if (!file_stat_fd(it->fd, "table", &now, why))
        return false;
    if (now.st_size != it->opened.st_size || now.st_mtim.tv_sec != it->opened.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != it->opened.st_mtim.tv_nsec)
        return failure_set(why, FAILURE_RETRY, 0, "%.*s was changed in place, it must be opened again",
                           STR_ARG(table->name));
    return true;
}

static bool fail(const struct table *table, struct failure *why)
{
    return failure_system(why, errno, "error reading %.*s", STR_ARG(table->name));
}

static struct str content(const void *data, unsigned len)
{
    struct str text = str_make(data, len);

    if (text.len > 0 && text.data[text.len - 1] == '\0')
        text.len--;
    return text;
}

static enum table_result lookup(struct table *table, struct str key, struct arena *arena, struct str *value_out,
                                struct failure *why)
{
    struct cdb_table *it = table->state;
    const void *data;
    int found;

    if (!is_unchanged(table, why))
        return TABLE_UNKNOWN;
    if (it->has_nul)
        key = str_make(arena_c(arena, key), key.len + 1);
    found = cdb_find(&it->cdb, key.data, (unsigned) key.len);
    if (found == 0)
        return TABLE_ABSENT;
    data = found > 0 ? cdb_getdata(&it->cdb) : NULL;
    if (data == NULL) {
        (void) fail(table, why);
        return TABLE_UNKNOWN;
    }
    *value_out = arena_str(arena, content(data, cdb_datalen(&it->cdb)));
    return TABLE_FOUND;
}

static bool walk(struct table *table, bool (*visit)(void *context, struct str key, struct str value), void *context,
                 struct failure *why)
{
    struct cdb_table *it = table->state;
    unsigned position;
    int found;

    if (!is_unchanged(table, why))
        return false;
    cdb_seqinit(&position, &it->cdb);
    while ((found = cdb_seqnext(&position, &it->cdb)) > 0) {
        const void *key = cdb_getkey(&it->cdb);
        const void *value = cdb_getdata(&it->cdb);

        if (key == NULL || value == NULL)
            return fail(table, why);
        if (!visit(context, content(key, cdb_keylen(&it->cdb)), content(value, cdb_datalen(&it->cdb))))
            break;
    }
    return found >= 0 || fail(table, why);
}

const struct table_type cdb_table_type = {
    .name = "cdb",
    .kind = TABLE_FIXED,
    .open = open_table,
    .lookup = lookup,
    .walk = walk,
    .close = close_table,
};
