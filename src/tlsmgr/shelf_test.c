/* SPDX-License-Identifier: Apache-2.0 */
#include "tlsmgr/shelf.h"

#include "run/fiber.h"
#include "run/loop.h"
#include "table/cache.h"

#include "unit.h"

#include <unistd.h>

static struct instant at(int64_t second)
{
    return instant_from_seconds(1000000 + second);
}

struct bench {
    struct loop *loop;
    struct arena *arena;
    struct cache *cache;
    struct shelf one, two;
};

static void warn(const char *text)
{
    (void) text;
}

static const char *get(struct bench *bench, struct shelf *shelf, const char *key, int64_t now)
{
    struct instant kept, ends;
    struct str value;

    return shelf_get(shelf, str_from_c(key), at(now), bench->arena, &value, &kept, &ends) ? arena_c(bench->arena, value)
                                                                                          : "-";
}

static enum shelf_result put(struct shelf *shelf, const char *key, const char *value, int64_t now, int64_t ends)
{
    return shelf_put(shelf, str_from_c(key), str_from_c(value), at(ends), at(now));
}

static void in_bench(void (*play)(struct bench *bench))
{
    struct bench bench = { .loop = loop_create(), .arena = arena_create() };
    struct failure why;

    EXPECT(cache_prepare(bench.loop, STR_EMPTY, getuid(), getgid(), warn, &bench.cache, &why));
    EXPECT(cache_open(bench.cache, &why));
    bench.one = (struct shelf){ .cache = bench.cache, .letter = 'a', .maximum = 1000 };
    bench.two = (struct shelf){ .cache = bench.cache, .letter = 'b', .maximum = 1000 };
    play(&bench);
    cache_close(&bench.cache);
    arena_destroy(&bench.arena);
    loop_destroy(&bench.loop);
}

static void play_time(struct bench *bench)
{
    struct instant kept, ends;
    struct str value;

    EXPECT(put(&bench->one, "x", "old", 0, 50) == SHELF_KEPT);
    EXPECT(put(&bench->one, "x", "text", 10, 100) == SHELF_KEPT);
    EXPECT(shelf_get(&bench->one, STR("x"), at(99), bench->arena, &value, &kept, &ends));
    EXPECT_STR(value, STR("text"));
    EXPECT_INT(kept.us, at(10).us);
    EXPECT_INT(ends.us, at(100).us);
    EXPECT_TEXT(get(bench, &bench->one, "x", 100), "-");
    EXPECT_TEXT(get(bench, &bench->one, "x", 99), "-");
    EXPECT(put(&bench->one, "x", "text", 10, 100) == SHELF_KEPT);
    EXPECT(put(&bench->one, "x", "", 20, 20) == SHELF_KEPT);
    EXPECT_TEXT(get(bench, &bench->one, "x", 20), "-");
}

TEST(an_entry_counts_until_its_end_and_is_gone_then)
{
    in_bench(play_time);
}

static void play_clock(struct bench *bench)
{
    EXPECT(put(&bench->one, "x", "text", 100000, 200000) == SHELF_KEPT);
    EXPECT_TEXT(get(bench, &bench->one, "x", 99970), "text");
    EXPECT_TEXT(get(bench, &bench->one, "x", 0), "-");
}

TEST(what_was_put_in_the_future_by_a_wrong_clock_does_not_count)
{
    in_bench(play_clock);
}

static void play_two(struct bench *bench)
{
    EXPECT(put(&bench->one, "x", "first", 0, 100) == SHELF_KEPT);
    EXPECT(put(&bench->two, "x", "second", 0, 100) == SHELF_KEPT);
    EXPECT_TEXT(get(bench, &bench->one, "x", 1), "first");
    EXPECT_TEXT(get(bench, &bench->two, "x", 1), "second");
}

TEST(two_shelves_in_one_cache_do_not_know_each_other)
{
    in_bench(play_two);
}

static void play_full(struct bench *bench)
{
    char large[601];

    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    EXPECT(put(&bench->one, "a", large, 0, 10) == SHELF_KEPT);
    EXPECT(put(&bench->one, "b", large, 0, 100) == SHELF_KEPT);
    EXPECT(put(&bench->one, "c", large, 0, 100) == SHELF_FULL);
    EXPECT(put(&bench->one, "b", "", 0, 0) == SHELF_KEPT);
    EXPECT(put(&bench->one, "b", large, 0, 100) == SHELF_FULL);
    shelf_clean(&bench->one, at(10));
    EXPECT_TEXT(get(bench, &bench->one, "a", 9), "-");
    EXPECT(put(&bench->one, "c", large, 10, 100) == SHELF_KEPT);
}

TEST(a_full_shelf_takes_nothing_until_entries_end)
{
    in_bench(play_full);
}

static void play_no_place(struct bench *bench)
{
    struct shelf none = { .cache = NULL };

    EXPECT(put(&none, "x", "text", 0, 100) == SHELF_NO_PLACE);
    EXPECT_TEXT(get(bench, &none, "x", 0), "-");
    shelf_clean(&none, at(0));
}

TEST(without_a_place_nothing_is_kept)
{
    in_bench(play_no_place);
}

static void play_nonsense(struct bench *bench)
{
    static const char *const texts[] = { "",      "x",      "1",
                                         "1 ",    "1 2",    "x 99999999999 v",
                                         "1 x v", "-1 5 v", "1 99999999999999999999 v" };

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        cache_put(bench->cache, STR("a:x"), str_from_c(texts[i]));
        EXPECT_TEXT(get(bench, &bench->one, "x", 0), "-");
    }
    cache_put(bench->cache, STR("a:x"), STR("nonsense"));
    shelf_clean(&bench->one, at(0));
    EXPECT_UINT(bench->one.bytes, 0);
}

TEST(what_is_no_entry_is_none)
{
    in_bench(play_nonsense);
}
