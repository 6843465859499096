/* SPDX-License-Identifier: Apache-2.0 */
#include "qshape/shape.h"
#include "qshape/table.h"

#include "unit.h"

#include <stdlib.h>

static const struct shape_settings usual = { 10, 5, false, 1000000000 };

static void add(struct shape *shape, const char *address, unsigned minutes)
{
    shape_add(shape, str_from_c(address), usual.now_seconds - (int64_t) minutes * 60);
}

static void expect_table(const struct table_settings *settings, const struct shape_settings *buckets,
                         const struct shape *shape, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    table_print(out, settings, buckets, shape);
    fclose(out);
    EXPECT_TEXT(text, expected);
    free(text); /* from open_memstream */
}

static struct shape *some(const struct shape_settings *settings)
{
    struct shape *shape = shape_create(settings);

    add(shape, "a@Example.COM", 0);
    add(shape, "\"a@b\"@example.com", 4);
    add(shape, "a@example.com", 5);
    add(shape, "a@example.com", 9);
    add(shape, "a@other.example", 10);
    add(shape, "a@other.example", 1279);
    add(shape, "MAILER-DAEMON", 1280);
    return shape;
}

TEST(each_age_has_its_column_and_names_are_flush_right)
{
    const struct table_settings settings = { 0 };
    struct shape *shape = some(&usual);

    expect_table(&settings, &usual, shape,
                 "                                         T  5 10 20 40 80 160 320 640 1280 1280+\n"
                 "                                  TOTAL  7  2  2  1  0  0   0   0   0    1     1\n"
                 "                            example.com  4  2  2  0  0  0   0   0   0    0     0\n"
                 "                          other.example  2  0  0  1  0  0   0   0   0    1     0\n"
                 "                          MAILER-DAEMON  1  0  0  0  0  0   0   0   0    0     1\n");
    shape_destroy(&shape);
}

TEST(columns_may_be_linear_few_and_on_a_wider_terminal_with_fewer_domains)
{
    const struct shape_settings linear = { 3, 7, true, 1000000000 };
    const struct shape_settings one = { 1, 5, false, 1000000000 };
    const struct table_settings wide = { .width = 90, .top = 1, .is_on_terminal = true };
    struct shape *shape = some(&linear);

    expect_table(&wide, &linear, shape,
                 "\033[H\033[2J\033[3J"
                 "                                                                               T  7 14 14+\n"
                 "                                                                        TOTAL  7  3  2   2\n"
                 "                                                                  example.com  4  3  1   0\n");
    shape_destroy(&shape);
    shape = shape_create(&one);
    add(shape, "a@b.example", 7);
    expect_table(&(struct table_settings){ 0 }, &one, shape,
                 "                                                                            T 0+\n"
                 "                                                                     TOTAL  1  1\n"
                 "                                                                 b.example  1  1\n");
    shape_destroy(&shape);
}

TEST(large_counts_widen_their_columns_and_long_names_lose_their_beginning)
{
    const struct shape_settings many = { 20, 5, false, 1000000000 };
    const struct table_settings parents = { .least_children = 1 };
    struct shape *shape = shape_create(&many);

    for (unsigned i = 0; i < 1000; i++)
        add(shape, "a@name.that-is-much.too.long.example", 0);
    expect_table(&parents, &many, shape,
                 "                      T    5 10 20 40 80 160 320 640 1280 2560 5120 10240 20480 40960 8192"
                 "0 163840 327680 655360 1310720 1310720+\n"
                 "             TOTAL 1000 1000  0  0  0  0   0   0   0    0    0    0     0     0     0     "
                 "0      0      0      0       0        0\n"
                 "     .long.example 1000 1000  0  0  0  0   0   0   0    0    0    0     0     0     0     "
                 "0      0      0      0       0        0\n"
                 " .too.long.example 1000 1000  0  0  0  0   0   0   0    0    0    0     0     0     0     "
                 "0      0      0      0       0        0\n"
                 ".+too.long.example 1000 1000  0  0  0  0   0   0   0    0    0    0     0     0     0     "
                 "0      0      0      0       0        0\n"
                 "+.too.long.example 1000 1000  0  0  0  0   0   0   0    0    0    0     0     0     0     "
                 "0      0      0      0       0        0\n");
    shape_destroy(&shape);
}

static void expect_parents(const struct shape *shape, unsigned least_children, const char *expected)
{
    struct arena *arena = arena_create();
    struct str text = STR_EMPTY;
    size_t count;
    struct shape_row **rows = shape_rows(shape, least_children, arena, &count);

    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%.*s%.*s %llu\n", STR_ARG(text), STR_ARG(rows[i]->name),
                            (unsigned long long) rows[i]->total);
    EXPECT_STR(text, str_from_c(expected));
    arena_destroy(&arena);
}

TEST(parents_are_shown_that_have_enough_children_domains_and_parents)
{
    struct shape *shape = shape_create(&usual);

    add(shape, "u@r1.x1.parent.example", 0);
    add(shape, "u@r2.x1.parent.example", 0);
    add(shape, "u@r2.x1.parent.example", 0);
    add(shape, "u@r3.x2.parent.example", 0);
    add(shape, "u@x2.parent.example", 0);
    add(shape, "u@parent.example", 0);
    add(shape, "u@[192.0.2.1]", 0);
    expect_parents(shape, 0,
                   "r2.x1.parent.example 2\n[192.0.2.1] 1\nparent.example 1\nx2.parent.example 1\n"
                   "r1.x1.parent.example 1\nr3.x2.parent.example 1\n");
    expect_parents(shape, 2,
                   ".parent.example 5\n.x1.parent.example 3\nr2.x1.parent.example 2\n[192.0.2.1] 1\nparent.example 1\n"
                   "x2.parent.example 1\nr1.x1.parent.example 1\nr3.x2.parent.example 1\n");
    expect_parents(shape, 1,
                   ".parent.example 5\n.x1.parent.example 3\nr2.x1.parent.example 2\n[192.0.2.1] 1\nparent.example 1\n"
                   "x2.parent.example 1\n.x2.parent.example 1\nr1.x1.parent.example 1\nr3.x2.parent.example 1\n");
    shape_destroy(&shape);
}
