/* SPDX-License-Identifier: Apache-2.0 */
#include "table/table_writer.h"

#include "base/arena.h"
#include "base/memory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/random.h"
#include "table/store.h"
#include "table/table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

enum { COPY_BLOCK = 256 * 1024, LOCK_SECONDS = 300 };

struct table_writer {
    struct arena *arena;
    const struct store *store;
    bool has_no_nul;
    const char *path;      /* the table's file; a link is followed */
    const char *temporary; /* NULL: written in place */
    void *handle;
    int lock_fd; /* the old file, locked; -1: there is none */
};

static const struct store *const stores[] = { &hash_store, &btree_store, &cdb_store, &lmdb_store };

static const struct store *find_store(struct str type)
{
    for (size_t i = 0; i < ARRAY_COUNT(stores); i++) {
        if (str_equal(type, str_from_c(stores[i]->type)))
            return stores[i];
    }
    return NULL;
}

bool table_writer_knows(struct str type)
{
    return find_store(type) != NULL;
}

void table_writer_drop_nul(struct table_writer *writer)
{
    writer->has_no_nul = true;
}

const char *table_writer_path(const struct table_writer *writer)
{
    return writer->path;
}

static void end_writer(struct table_writer **writer)
{
    struct table_writer *it = *writer;

    if (it->lock_fd >= 0)
        fd_close(&it->lock_fd);
    arena_destroy(&it->arena);
    memory_free(it);
    *writer = NULL;
}

/* Locks the file that is at path now: another writer may have replaced it while we waited. */
static bool lock_old(struct table_writer *writer, bool must_exist, struct stat *old_out, struct failure *why)
{
    for (;;) {
        struct stat here;
        struct failure open_why;

        if (!file_open(writer->path, O_RDWR, 0, &writer->lock_fd, &open_why)) {
            if (open_why.error == ENOENT && !must_exist)
                return true;
            *why = open_why;
            return false;
        }
        if (!lock_wait(writer->lock_fd, writer->path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, seconds(LOCK_SECONDS),
                       why) ||
            !file_stat_fd(writer->lock_fd, writer->path, old_out, why))
            return false;
        if (file_stat(writer->path, &here, &open_why) && here.st_ino == old_out->st_ino &&
            here.st_dev == old_out->st_dev)
            return true;
        fd_close(&writer->lock_fd);
    }
}

static bool copy_content(int from, int to, const char *name, struct failure *why)
{
    char *block = memory_alloc(COPY_BLOCK);
    uint64_t offset = 0;
    size_t count = 0;
    bool is_done;

    do {
        is_done = file_read_at(from, name, block, COPY_BLOCK, offset, &count, why) &&
                  file_write(to, name, str_make(block, count), why);
        offset += count;
    } while (is_done && count == COPY_BLOCK);
    memory_free(block);
    return is_done;
}

/* The new file beside the old: with its owner, mode and, unless it is rebuilt, its content. */
static bool make_temporary(struct table_writer *writer, enum table_writer_mode mode, mode_t new_mode,
                           const struct stat *old, struct failure *why)
{
    bool has_old = writer->lock_fd >= 0;
    int fd = -1;
    bool is_made;

    writer->temporary =
        arena_printf(writer->arena, "%s.%016llx", writer->path, (unsigned long long) random_uint64()).data;
    if (!file_open(writer->temporary, O_RDWR | O_CREAT | O_EXCL, 0600, &fd, why)) {
        writer->temporary = NULL;
        return false;
    }
    is_made = file_set_mode(fd, writer->temporary, has_old ? old->st_mode & 07777 : new_mode, why);
    if (is_made && has_old)
        is_made = file_set_owner(fd, writer->temporary, old->st_uid, old->st_gid, why);
    if (is_made && has_old && mode != TABLE_REBUILD)
        is_made = copy_content(writer->lock_fd, fd, writer->temporary, why);
    fd_close(&fd);
    if (!is_made) {
        struct failure ignored;

        (void) !file_unlink(writer->temporary, &ignored);
        writer->temporary = NULL;
    }
    return is_made;
}

/* A fresh database wants its file missing or empty. */
static bool choose_file(struct table_writer *writer, enum table_writer_mode mode, mode_t new_mode, struct failure *why)
{
    struct stat old;

    if (!lock_old(writer, mode == TABLE_CHANGE, &old, why))
        return mode == TABLE_CHANGE ? failure_set(why, why->kind, why->error, "open database %s", writer->path) : false;
    if (make_temporary(writer, mode, new_mode, &old, why))
        return true;
    if (writer->lock_fd < 0 || (why->error != EACCES && why->error != EPERM && why->error != EROFS))
        return false;
    if (mode == TABLE_REBUILD)
        return file_truncate(writer->lock_fd, writer->path, 0, why);
    return true;
}

bool table_writer_open(struct str type, struct str path, enum table_writer_mode mode,
                       const struct table_writer_options *options, struct table_writer **writer_out,
                       struct failure *why)
{
    struct table_writer *writer;
    const struct store *store = find_store(type);
    char real[PATH_MAX];

    if (store == NULL)
        return table_type_refuse(type, why);
    if (mode != TABLE_REBUILD && store->remove == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "open database %.*s%s: tables of type %s cannot be changed, only made anew", STR_ARG(path),
                           store->suffix, store->type);
    writer = memory_alloc(sizeof(*writer));
    writer->arena = arena_create();
    writer->store = store;
    writer->has_no_nul = options->has_no_nul || (store->has_no_nul && !options->has_nul);
    writer->lock_fd = -1;
    writer->path = arena_printf(writer->arena, "%.*s%s", STR_ARG(path), store->suffix).data;
    if (realpath(writer->path, real) != NULL)
        writer->path = arena_c(writer->arena, str_from_c(real));
    if (!choose_file(writer, mode, options->mode, why) ||
        !store->open(writer->temporary != NULL ? writer->temporary : writer->path, &writer->handle, why)) {
        table_writer_abort(&writer);
        return false;
    }
    *writer_out = writer;
    return true;
}

static struct str form_of(struct arena *arena, struct str text, bool with_nul)
{
    struct str copy = arena_str(arena, text);

    copy.len += with_nul ? 1 : 0; /* UNSAFE: arena_str adds a NUL */
    return copy;
}

bool table_writer_put(struct table_writer *writer, struct str key, struct str value, bool may_replace,
                      bool *is_duplicate_out, struct failure *why)
{
    struct arena *scratch = arena_create();
    bool is_done = writer->store->put(writer->handle, form_of(scratch, key, !writer->has_no_nul),
                                      form_of(scratch, value, !writer->has_no_nul), may_replace, is_duplicate_out, why);

    arena_destroy(&scratch);
    return is_done || failure_prefix(why, "%s", writer->path);
}

bool table_writer_remove(struct table_writer *writer, struct str key, bool *was_there_out, struct failure *why)
{
    struct arena *scratch = arena_create();
    bool was_there[2] = { false, false };
    bool is_done = writer->store->remove(writer->handle, form_of(scratch, key, true), &was_there[0], why) &&
                   writer->store->remove(writer->handle, form_of(scratch, key, false), &was_there[1], why);

    arena_destroy(&scratch);
    if (!is_done)
        return failure_prefix(why, "%s", writer->path);
    *was_there_out = was_there[0] || was_there[1];
    return true;
}

static bool sync_file(const char *path, struct failure *why)
{
    int fd = -1;
    bool is_synced = file_open(path, O_RDWR, 0, &fd, why) && file_sync(fd, path, why);

    fd_close(&fd);
    return is_synced;
}

static const char *directory_of(struct arena *arena, const char *path)
{
    struct str text = str_from_c(path);
    size_t slash = str_find_last_char(text, '/');

    if (slash == STR_NOT_FOUND)
        return ".";
    return arena_c(arena, str_part(text, 0, slash == 0 ? 1 : slash));
}

bool table_writer_commit(struct table_writer **writer, struct failure *why)
{
    struct table_writer *it = *writer;
    const char *written = it->temporary != NULL ? it->temporary : it->path;
    bool is_done = it->store->commit(it->handle, why);

    it->handle = NULL;
    is_done = is_done && sync_file(written, why);
    if (is_done && it->temporary != NULL) {
        is_done = file_rename(it->temporary, it->path, why);
        if (is_done) {
            it->temporary = NULL;
            is_done = file_sync_directory(directory_of(it->arena, it->path), why);
        }
    }
    if (!is_done)
        (void) failure_prefix(why, "%s", it->path);
    table_writer_abort(writer);
    return is_done;
}

void table_writer_abort(struct table_writer **writer)
{
    struct table_writer *it = *writer;
    struct failure ignored;

    if (it == NULL)
        return;
    if (it->handle != NULL)
        it->store->discard(it->handle);
    if (it->temporary != NULL)
        (void) !file_unlink(it->temporary, &ignored);
    end_writer(writer);
}
