/* SPDX-License-Identifier: Apache-2.0 */
#include "table/cache.h"

#include "base/map.h"
#include "base/memory.h"
#include "config/main_cf.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "run/worker.h"
#include "table/cache_file.h"

#include <lmdb.h>
#include <stdarg.h>
#include <stdio.h>

enum { SETTINGS_MAXIMUM = 1 << 20, WRITE_SECONDS = 60, GATHER_SECONDS = 1, WALK_STEP = 500 };

/* A change that the file does not have yet. */
struct change {
    bool is_removal;
    struct str value;
    char text[];
};

struct cache {
    struct loop *loop;
    struct arena *arena;
    struct str name;
    const char *path; /* NULL: in memory only */
    void (*warn)(const char *text);
    MDB_env *environment; /* NULL: not open */
    MDB_dbi database;
    struct worker *writer;
    struct map *changes; /* struct change; without a file all that there is */
    struct map *writing; /* those that the writer has; nobody changes it meanwhile */
    struct fiber_group fibers;
    bool is_gathering;
    struct event ends; /* nothing more is gathered */
    struct event written;
};

static struct str without_nul(const MDB_val *item)
{
    struct str text = str_make(item->mv_data, item->mv_size);

    if (text.len > 0 && text.data[text.len - 1] == '\0')
        text.len--;
    return text;
}

/* As postmap writes them. */
static MDB_val with_nul(struct arena *arena, struct str text)
{
    return (MDB_val){ text.len + 1, arena_c(arena, text) };
}

PRINTF_LIKE(2, 3) static void warn_of(const struct cache *cache, const char *format, ...)
{
    char text[1000];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    cache->warn(text);
}

/* ---- making and ending ---- */

static struct str without_proxy(struct str name)
{
    while (str_starts_with(name, STR("proxy:")))
        name = str_from(name, strlen("proxy:"));
    return name;
}

/* The file behind a memcache: table is the cache; what others share through the server is theirs. */
static bool take_backup(struct cache *cache, struct str name, struct str *backup_out, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf text;
    const char *path = arena_c(cache->arena, str_from(name, strlen("memcache:")));
    const struct main_cf_entry *entry;
    struct main_cf *settings;

    strbuf_init(&text, SETTINGS_MAXIMUM);
    if (!file_load(path, &text, why) || !main_cf_parse(arena_str(cache->arena, strbuf_str(&text)), str_from_c(path),
                                                       STR("/"), cache->arena, &settings, why))
        return false;
    entry = main_cf_find(settings, STR("backup"));
    *backup_out = entry == NULL ? STR_EMPTY : without_proxy(str_trim(entry->value));
    warn_of(cache, "%.*s: a cache is a file of this host, not shared: this one is %s%.*s", STR_ARG(name),
            backup_out->len > 0 ? "its backup, " : "kept in memory, for there is no backup", STR_ARG(*backup_out));
    return true;
}

static bool take_name(struct cache *cache, struct str name, struct failure *why)
{
    struct str type, path;

    name = without_proxy(name);
    if (str_starts_with(name, STR("memcache:")) && !take_backup(cache, name, &name, why))
        return false;
    if (str_is_empty(name))
        return true;
    if (!str_cut(name, ':', &type, &path) || !str_starts_with(path, STR("/")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "\"%.*s\" is not lmdb:/path", STR_ARG(name));
    if (str_equal(type, STR("hash")) || str_equal(type, STR("btree")))
        warn_of(cache, "%.*s: a cache is always an lmdb: file, and this one is %.*s.lmdb", STR_ARG(name),
                STR_ARG(path));
    else if (!str_equal(type, STR("lmdb")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: a cache is an lmdb: file", STR_ARG(name));
    cache->path = arena_printf(cache->arena, "%.*s.lmdb", STR_ARG(path)).data;
    cache->name = arena_printf(cache->arena, "lmdb:%.*s", STR_ARG(path));
    return true;
}

bool cache_prepare(struct loop *loop, struct str name, uid_t uid, gid_t gid, void (*warn)(const char *text),
                   struct cache **cache_out, struct failure *why)
{
    struct cache *cache = memory_alloc(sizeof(*cache));
    bool is_damaged = false;

    *cache = (struct cache){ .loop = loop, .arena = arena_create(), .name = STR_EMPTY, .warn = warn };
    if (!take_name(cache, name, why) ||
        (cache->path != NULL && !cache_file_look(cache->path, uid, gid, &is_damaged, why))) {
        arena_destroy(&cache->arena);
        memory_free(cache);
        return false;
    }
    if (is_damaged)
        warn_of(cache, "%s is damaged or unreadable: it is removed, and begun anew", cache->path);
    if (cache->path != NULL)
        cache->writer = worker_create(loop, "cache");
    cache->changes = map_create();
    cache->writing = map_create();
    fiber_group_init(&cache->fibers, loop);
    event_init(&cache->ends);
    event_init(&cache->written);
    *cache_out = cache;
    return true;
}

static bool open_file(struct cache *cache, struct failure *why)
{
    int error = cache_file_open(cache->path, 0, &cache->environment, &cache->database);
    int fd;

    if (error == 0)
        return mdb_env_get_fd(cache->environment, &fd) != 0 || fd_set_close_on_exec(fd, true, why);
    return error > 0 ? failure_system(why, error, "open database %s", cache->path)
                     : failure_set(why, FAILURE_RETRY, 0, "open database %s: %s", cache->path, mdb_strerror(error));
}

/* What it says is no use, and what it does not say must be asked again. */
static void give_up_file(struct cache *cache, int error)
{
    struct failure why;

    warn_of(cache, "%s: %s: it is removed, and begun anew", cache->path, mdb_strerror(error));
    mdb_env_close(cache->environment);
    cache->environment = NULL;
    cache_file_forget(cache->path);
    if (!open_file(cache, &why))
        warn_of(cache, "%s", why.text);
}

struct str cache_name(const struct cache *cache)
{
    return cache->name;
}

/* ---- writing ---- */

struct batch {
    MDB_env *environment;
    MDB_dbi database;
    struct map *changes;
    int error;
};

static int write_change(MDB_txn *transaction, const struct batch *batch, const struct map_entry *entry,
                        struct arena *arena)
{
    const struct change *change = map_entry_value((struct map_entry *) (uintptr_t) entry);
    MDB_val key = with_nul(arena, map_entry_key((struct map_entry *) (uintptr_t) entry));
    MDB_val value;
    int error;

    if (!change->is_removal) {
        value = with_nul(arena, change->value);
        return mdb_put(transaction, batch->database, &key, &value, 0);
    }
    error = mdb_del(transaction, batch->database, &key, NULL);
    return error == MDB_NOTFOUND ? 0 : error;
}

/* On the writer's thread; nobody changes the map meanwhile. */
static void write_batch(void *context)
{
    struct batch *batch = context;
    struct arena *arena = arena_create();
    MDB_txn *transaction;

    batch->error = mdb_txn_begin(batch->environment, NULL, 0, &transaction);
    if (batch->error == 0) {
        for (struct map_entry *entry = map_first(batch->changes); batch->error == 0 && entry != NULL;
             entry = map_next(entry))
            batch->error = write_change(transaction, batch, entry, arena);
        if (batch->error == 0)
            batch->error = mdb_txn_commit(transaction);
        else
            mdb_txn_abort(transaction);
    }
    arena_destroy(&arena);
}

static void forget_changes(struct map **changes)
{
    for (struct map_entry *entry = map_first(*changes); entry != NULL; entry = map_next(entry))
        memory_free(map_entry_value(entry));
    map_destroy(changes);
    *changes = map_create();
}

/* The writer has not ended in time, which only a disk that hangs can do: the process must not wait for it for ever. */
static void keep_batch(void *context)
{
    (void) context;
}

static void write_changes(struct cache *cache)
{
    struct batch *batch;
    struct failure why;

    while (map_count(cache->writing) > 0)
        (void) !event_wait(cache->loop, &cache->written, seconds(WRITE_SECONDS), NULL);
    if (cache->environment == NULL || map_count(cache->changes) == 0)
        return;
    batch = memory_alloc(sizeof(*batch));
    map_destroy(&cache->writing);
    cache->writing = cache->changes;
    cache->changes = map_create();
    *batch = (struct batch){ cache->environment, cache->database, cache->writing, 0 };
    if (!worker_run(cache->writer, write_batch, batch, keep_batch, DURATION_FOREVER, &why)) {
        warn_of(cache, "%s: %s", cache->path, why.text);
        cache->writing = map_create();
        event_wake_all(&cache->written);
        return;
    }
    forget_changes(&cache->writing);
    event_wake_all(&cache->written);
    if (batch->error > 0)
        warn_of(cache, "write %s: %s", cache->path, mdb_strerror(batch->error));
    else if (batch->error < 0)
        give_up_file(cache, batch->error);
    memory_free(batch);
}

static void gather(void *context)
{
    struct cache *cache = context;

    (void) !event_wait(cache->loop, &cache->ends, seconds(GATHER_SECONDS), NULL);
    cache->is_gathering = false;
    write_changes(cache);
}

void cache_flush(struct cache *cache)
{
    write_changes(cache);
}

static void add_change(struct cache *cache, struct str key, bool is_removal, struct str value)
{
    struct change *change;

    if (key.len == 0 || key.len > CACHE_KEY_MAX)
        return;
    if (is_removal && cache->environment == NULL) {
        memory_free(map_remove(cache->changes, key));
        return;
    }
    change = memory_alloc(sizeof(*change) + value.len);
    change->is_removal = is_removal;
    if (value.len > 0)
        memcpy(change->text, value.data, value.len);
    change->value = str_make(change->text, value.len);
    memory_free(map_set(cache->changes, key, change));
    if (cache->environment == NULL || cache->is_gathering)
        return;
    cache->is_gathering = true;
    fiber_group_start(&cache->fibers, gather, cache);
}

void cache_put(struct cache *cache, struct str key, struct str value)
{
    add_change(cache, key, false, value);
}

void cache_remove(struct cache *cache, struct str key)
{
    add_change(cache, key, true, STR_EMPTY);
}

bool cache_open_early(struct cache *cache, uid_t uid, gid_t gid, struct failure *why)
{
    bool is_root = privilege_is_root();
    struct failure ignored;
    bool is_open;

    if (cache->path == NULL)
        return true;
    if (is_root && !privilege_borrow(uid, gid, why)) {
        (void) !privilege_restore(&ignored);
        return false;
    }
    is_open = open_file(cache, why);
    return (!is_root || privilege_restore(is_open ? why : &ignored)) && is_open;
}

bool cache_open(struct cache *cache, struct failure *why)
{
    return cache->path == NULL || cache->environment != NULL || open_file(cache, why);
}

void cache_close(struct cache **handle)
{
    struct cache *cache = *handle;

    *handle = NULL;
    if (cache == NULL)
        return;
    if (fiber_is_running(cache->loop)) {
        write_changes(cache);
        event_wake_all(&cache->ends);
        (void) !fiber_group_wait(&cache->fibers, seconds(WRITE_SECONDS), NULL);
    }
    worker_destroy(&cache->writer);
    if (cache->environment != NULL)
        mdb_env_close(cache->environment);
    forget_changes(&cache->changes);
    map_destroy(&cache->changes);
    map_destroy(&cache->writing);
    arena_destroy(&cache->arena);
    memory_free(cache);
}

/* ---- reading ---- */

static const struct change *find_change(const struct cache *cache, struct str key)
{
    const struct change *change = map_get(cache->changes, key);

    return change != NULL ? change : map_get(cache->writing, key);
}

static bool read_file(struct cache *cache, struct str key, struct arena *arena, struct str *value_out)
{
    MDB_val item = with_nul(arena, key);
    MDB_txn *transaction;
    MDB_val value;
    int error = mdb_txn_begin(cache->environment, NULL, MDB_RDONLY, &transaction);

    if (error == 0) {
        error = mdb_get(transaction, cache->database, &item, &value);
        if (error == 0)
            *value_out = arena_str(arena, without_nul(&value));
        mdb_txn_abort(transaction);
    }
    if (error < 0 && error != MDB_NOTFOUND && map_count(cache->writing) == 0)
        give_up_file(cache, error);
    return error == 0;
}

bool cache_get(struct cache *cache, struct str key, struct arena *arena, struct str *value_out)
{
    const struct change *change;

    if (key.len == 0 || key.len > CACHE_KEY_MAX)
        return false;
    change = find_change(cache, key);
    if (change == NULL)
        return cache->environment != NULL && read_file(cache, key, arena, value_out);
    if (!change->is_removal)
        *value_out = arena_str(arena, change->value);
    return !change->is_removal;
}

/* ---- all of it ---- */

struct walked {
    struct str key, value;
};

/* Up to WALK_STEP entries behind the key; no transaction is left open. 0: the end. */
static size_t read_step(struct cache *cache, struct str behind, struct arena *arena, struct walked *walked)
{
    MDB_val key = with_nul(arena, behind);
    MDB_txn *transaction;
    MDB_cursor *cursor;
    MDB_val value;
    size_t count = 0;
    int error;

    if (cache->environment == NULL || mdb_txn_begin(cache->environment, NULL, MDB_RDONLY, &transaction) != 0)
        return 0;
    if (mdb_cursor_open(transaction, cache->database, &cursor) != 0) {
        mdb_txn_abort(transaction);
        return 0;
    }
    error = mdb_cursor_get(cursor, &key, &value, behind.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
    for (; error == 0 && count < WALK_STEP; error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
        if (behind.len > 0 && str_equal(without_nul(&key), behind))
            continue;
        walked[count++] = (struct walked){ arena_str(arena, without_nul(&key)), arena_str(arena, without_nul(&value)) };
    }
    mdb_cursor_close(cursor);
    mdb_txn_abort(transaction);
    return count;
}

/* What has changed since was told with the other changes, or comes next time. */
static void walk_file(struct cache *cache, bool (*visit)(void *context, struct str key, struct str value),
                      void *context)
{
    struct arena *arena = arena_create();
    char last[CACHE_KEY_MAX + 1];
    struct str behind = STR_EMPTY;
    bool goes_on = true;
    size_t count;

    do {
        struct walked *walked = arena_new_array(arena, WALK_STEP, struct walked);

        count = read_step(cache, behind, arena, walked);
        for (size_t i = 0; goes_on && i < count; i++) {
            if (find_change(cache, walked[i].key) == NULL)
                goes_on = visit(context, walked[i].key, walked[i].value);
        }
        if (count > 0 && walked[count - 1].key.len <= CACHE_KEY_MAX) {
            memcpy(last, walked[count - 1].key.data, walked[count - 1].key.len);
            behind = str_make(last, walked[count - 1].key.len);
        } else {
            goes_on = false;
        }
        arena_reset(arena);
        if (goes_on && fiber_is_running(cache->loop))
            fiber_yield(cache->loop);
    } while (goes_on && count > 0);
    arena_destroy(&arena);
}

/* A copy: visit may change what is walked. */
static void walk_changes(struct cache *cache, bool (*visit)(void *context, struct str key, struct str value),
                         void *context)
{
    struct arena *arena = arena_create();
    size_t total = map_count(cache->changes);
    struct walked *walked = arena_new_array(arena, total + 1, struct walked);
    size_t count = 0;

    for (struct map_entry *entry = map_first(cache->changes); entry != NULL; entry = map_next(entry)) {
        const struct change *change = map_entry_value(entry);

        if (!change->is_removal)
            walked[count++] =
                (struct walked){ arena_str(arena, map_entry_key(entry)), arena_str(arena, change->value) };
    }
    for (size_t i = 0; i < count && visit(context, walked[i].key, walked[i].value); i++)
        continue;
    arena_destroy(&arena);
}

void cache_walk(struct cache *cache, bool (*visit)(void *context, struct str key, struct str value), void *context)
{
    walk_changes(cache, visit, context);
    walk_file(cache, visit, context);
}
