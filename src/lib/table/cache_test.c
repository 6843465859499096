/* SPDX-License-Identifier: Apache-2.0 */
#include "table/cache.h"

#include "base/strbuf.h"
#include "os/fd.h"
#include "os/file.h"
#include "run/fiber.h"
#include "run/loop.h"

#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct bench {
    struct loop *loop;
    struct arena *arena;
    char directory[64];
    struct str name;
    const char *file;
    struct cache *cache;
    char warnings[1000];
};

static struct bench bench;

static void warn(const char *text)
{
    snprintf(bench.warnings + strlen(bench.warnings), sizeof(bench.warnings) - strlen(bench.warnings), "%s;", text);
}

static void open_cache(struct str name)
{
    struct failure why = { 0 };

    bench.warnings[0] = '\0';
    EXPECT(cache_prepare(bench.loop, name, getuid(), getgid(), warn, &bench.cache, &why));
    EXPECT_TEXT(why.text, "");
    EXPECT(cache_open(bench.cache, &why));
    EXPECT_TEXT(why.text, "");
}

static const char *get(const char *key)
{
    struct str value;

    return cache_get(bench.cache, str_from_c(key), bench.arena, &value) ? arena_c(bench.arena, value) : "-";
}

static void put(const char *key, const char *value)
{
    cache_put(bench.cache, str_from_c(key), str_from_c(value));
}

static bool count_entry(void *context, struct str key, struct str value)
{
    (void) key, (void) value;
    ++*(size_t *) context;
    return true;
}

static size_t count(void)
{
    size_t found = 0;

    cache_walk(bench.cache, count_entry, &found);
    return found;
}

static void in_bench(void (*function)(void *context))
{
    snprintf(bench.directory, sizeof(bench.directory), "/tmp/cache_test.XXXXXX");
    EXPECT(mkdtemp(bench.directory) != NULL);
    bench.arena = arena_create();
    bench.loop = loop_create();
    bench.name = arena_printf(bench.arena, "lmdb:%s/x", bench.directory);
    bench.file = arena_printf(bench.arena, "%s/x.lmdb", bench.directory).data;
    fiber_run(bench.loop, function, NULL);
    loop_destroy(&bench.loop);
    (void) unlink(bench.file);
    (void) unlink(arena_printf(bench.arena, "%s-lock", bench.file).data);
    EXPECT(rmdir(bench.directory) == 0);
    arena_destroy(&bench.arena);
}

static void keep_over_ends(void *context)
{
    (void) context;
    open_cache(bench.name);
    EXPECT_TEXT(get("a"), "-");
    put("a", "one");
    EXPECT_TEXT(get("a"), "one");
    cache_flush(bench.cache);
    EXPECT_TEXT(get("a"), "one");
    put("a", "two");
    put("b", "");
    EXPECT_TEXT(get("a"), "two");
    cache_close(&bench.cache);
    open_cache(bench.name);
    EXPECT_TEXT(bench.warnings, "");
    EXPECT_TEXT(get("a"), "two");
    EXPECT_TEXT(get("b"), "");
    cache_remove(bench.cache, STR("a"));
    EXPECT_TEXT(get("a"), "-");
    cache_close(&bench.cache);
    open_cache(bench.name);
    EXPECT_TEXT(get("a"), "-");
    cache_close(&bench.cache);
}

TEST(what_was_put_is_there_after_the_end_of_the_process)
{
    in_bench(keep_over_ends);
}

static void walk_many(void *context)
{
    char key[20];

    (void) context;
    open_cache(bench.name);
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        put(key, "x");
    }
    EXPECT_UINT(count(), 2000);
    cache_flush(bench.cache);
    EXPECT_UINT(count(), 2000);
    put("key7", "y");
    cache_remove(bench.cache, STR("key8"));
    EXPECT_UINT(count(), 1999);
    cache_close(&bench.cache);
}

TEST(a_walk_finds_each_entry_once)
{
    in_bench(walk_many);
}

static void damage(off_t length, const char *garbage, uint64_t offset)
{
    struct failure why;
    int fd = -1;

    EXPECT(file_open(bench.file, O_RDWR, 0, &fd, &why));
    if (length >= 0)
        EXPECT(file_truncate(fd, bench.file, (uint64_t) length, &why));
    if (garbage != NULL) {
        for (int i = 0; i < 1000; i++)
            EXPECT(file_write_at(fd, bench.file, str_from_c(garbage), offset + (uint64_t) i * strlen(garbage), &why));
    }
    fd_close(&fd);
}

static void fill(void)
{
    char key[20];

    open_cache(bench.name);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        put(key, "some text that takes its place");
    }
    cache_close(&bench.cache);
}

static void survive(void *context)
{
    (void) context;
    for (int kind = 0; kind < 4; kind++) {
        fill();
        if (kind == 0)
            damage(4096 * 3, NULL, 0);
        else if (kind == 1)
            damage(-1, "\xff\x7fgarbage", 8192);
        else if (kind == 2)
            damage(-1, "no database ", 0);
        else
            damage(100, NULL, 0);
        open_cache(bench.name);
        EXPECT(strstr(bench.warnings, "damaged") != NULL);
        EXPECT_TEXT(get("key1"), "-");
        EXPECT_UINT(count(), 0);
        put("key1", "new");
        cache_close(&bench.cache);
        open_cache(bench.name);
        EXPECT_TEXT(bench.warnings, "");
        EXPECT_TEXT(get("key1"), "new");
        cache_close(&bench.cache);
    }
}

TEST(a_damaged_file_is_begun_anew)
{
    in_bench(survive);
}

enum { PAGE = 4096, PAGE_HEAD = 16, KINDS_OF_NOISE = 3 };

/* Some were written more than once, so that there are pages that are free, too. */
static struct str fill_and_load(struct strbuf *whole)
{
    struct failure why;

    fill();
    fill();
    open_cache(bench.name);
    for (int i = 0; i < 300; i += 3) {
        char key[20];

        snprintf(key, sizeof(key), "key%d", i);
        cache_remove(bench.cache, str_from_c(key));
        if (i % 50 == 0)
            cache_flush(bench.cache);
    }
    cache_close(&bench.cache);
    EXPECT(file_load(bench.file, whole, &why));
    return strbuf_str(whole);
}

static void lay(struct str content)
{
    struct failure why;

    (void) unlink(arena_printf(bench.arena, "%s-lock", bench.file).data);
    EXPECT(file_replace(bench.file, content, 0600, &why));
}

static void survive_each_cut(void *context)
{
    CLEANUP(strbuf_done) struct strbuf buffer;
    struct str whole;

    (void) context;
    strbuf_init(&buffer, 1 << 20);
    whole = fill_and_load(&buffer);
    EXPECT(whole.len >= 10 * PAGE && whole.len % PAGE == 0);
    for (size_t length = 0; length < whole.len; length += PAGE / 2) {
        lay((struct str){ whole.data, length });
        open_cache(bench.name);
        if (strstr(bench.warnings, "damaged") == NULL)
            EXPECT_TEXT(get("key999"), "some text that takes its place");
        else
            EXPECT_UINT(count(), 0);
        put("new", "kept");
        cache_close(&bench.cache);
        open_cache(bench.name);
        EXPECT_TEXT(bench.warnings, "");
        EXPECT_TEXT(get("new"), "kept");
        cache_close(&bench.cache);
    }
}

TEST(a_file_that_is_cut_anywhere_is_whole_or_begun_anew)
{
    in_bench(survive_each_cut);
}

/* Noise, nothing, or noise behind a good head, in each place: a tree, a leaf, the list of free pages, one that is free.
 */
static void survive_noise(void *context)
{
    CLEANUP(strbuf_done) struct strbuf buffer;
    uint64_t random = 1;
    char *spoiled;
    struct str whole;

    (void) context;
    strbuf_init(&buffer, 1 << 20);
    whole = fill_and_load(&buffer);
    for (size_t turn = 0; turn < KINDS_OF_NOISE * (whole.len / PAGE); turn++) {
        size_t page = turn / KINDS_OF_NOISE, kind = turn % KINDS_OF_NOISE;
        char key[20];

        spoiled = arena_c(bench.arena, arena_str(bench.arena, whole));
        for (size_t i = kind == 2 ? PAGE_HEAD : 0; i < PAGE; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            spoiled[page * PAGE + i] = kind == 1 ? '\0' : (char) (random >> 56);
        }
        lay((struct str){ spoiled, whole.len });
        open_cache(bench.name);
        for (int i = 0; i < 100; i++) {
            snprintf(key, sizeof(key), "new%d", i);
            put(key, "kept");
            if (i % 20 == 0)
                cache_flush(bench.cache);
        }
        cache_close(&bench.cache);
        open_cache(bench.name);
        EXPECT_TEXT(get("new99"), "kept");
        cache_close(&bench.cache);
    }
}

TEST(a_page_of_noise_ends_nobody)
{
    in_bench(survive_noise);
}

static void work_in_memory(void *context)
{
    char long_key[CACHE_KEY_MAX + 2];

    (void) context;
    memset(long_key, 'k', sizeof(long_key) - 1);
    long_key[sizeof(long_key) - 1] = '\0';
    open_cache(STR_EMPTY);
    EXPECT_STR(cache_name(bench.cache), STR(""));
    put("a", "one");
    put(long_key, "never");
    put("", "never");
    EXPECT_TEXT(get("a"), "one");
    EXPECT_TEXT(get(long_key), "-");
    EXPECT_UINT(count(), 1);
    cache_remove(bench.cache, STR("a"));
    EXPECT_TEXT(get("a"), "-");
    cache_close(&bench.cache);
}

TEST(a_cache_without_a_name_is_in_memory)
{
    in_bench(work_in_memory);
}

static void take_other_types(void *context)
{
    struct str other = arena_printf(bench.arena, "btree:%s/x", bench.directory);
    struct failure why = { 0 };

    (void) context;
    open_cache(other);
    EXPECT(strstr(bench.warnings, "a cache is always an lmdb: file") != NULL);
    EXPECT_STR(cache_name(bench.cache), bench.name);
    cache_close(&bench.cache);
    EXPECT(!cache_prepare(bench.loop, STR("texthash:/x"), 0, 0, warn, &bench.cache, &why));
    EXPECT_TEXT(why.text, "texthash:/x: a cache is an lmdb: file");
    EXPECT(!cache_prepare(bench.loop, STR("lmdb"), 0, 0, warn, &bench.cache, &why));
}

static void take_a_backup(void *context)
{
    const char *path = arena_printf(bench.arena, "%s/memcache.cf", bench.directory).data;
    struct str name = arena_printf(bench.arena, "proxy:memcache:%s", path);
    struct failure why;

    (void) context;
    EXPECT(file_replace(
        path, arena_printf(bench.arena, "memcache = inet:127.0.0.1:1\nbackup = proxy:btree:%s/x\n", bench.directory),
        0644, &why));
    open_cache(name);
    EXPECT_STR(cache_name(bench.cache), bench.name);
    EXPECT(strstr(bench.warnings, "not shared: this one is its backup") != NULL);
    cache_close(&bench.cache);
    EXPECT(file_replace(path, STR("memcache = inet:127.0.0.1:1\n"), 0644, &why));
    open_cache(name);
    EXPECT_STR(cache_name(bench.cache), STR(""));
    EXPECT(strstr(bench.warnings, "kept in memory") != NULL);
    cache_close(&bench.cache);
    EXPECT(!cache_prepare(bench.loop, STR("memcache:/nonexistent"), 0, 0, warn, &bench.cache, &why));
    EXPECT(strstr(why.text, "/nonexistent") != NULL);
    EXPECT(file_unlink(path, &why));
}

TEST(a_cache_behind_memcached_is_its_backup)
{
    in_bench(take_a_backup);
}

TEST(a_cache_is_an_lmdb_file_whatever_the_type)
{
    in_bench(take_other_types);
}
