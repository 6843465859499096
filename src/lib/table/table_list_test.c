/* SPDX-License-Identifier: Apache-2.0 */
#include "table/table_list.h"

#include "base/strbuf.h"
#include "unit.h"

#include <stdio.h>

/* The elements, with "|" behind each. */
static void expect_words(const char *text, const char *expected)
{
    struct str rest = str_from_c(text), word;
    struct strbuf all;

    strbuf_init(&all, STRBUF_UNLIMITED);
    while (table_list_next_word(&rest, ", \t\r\n", &word))
        strbuf_printf(&all, "%.*s|", STR_ARG(word));
    EXPECT_STR(strbuf_str(&all), str_from_c(expected));
    strbuf_done(&all);
}

TEST(a_list_is_split_at_commas_and_white_space)
{
    expect_words("", "");
    expect_words(" ,\n\t, ", "");
    expect_words("hash:/a", "hash:/a|");
    expect_words("hash:/a,hash:/b hash:/c,\n hash:/d", "hash:/a|hash:/b|hash:/c|hash:/d|");
}

TEST(braces_keep_an_element_together)
{
    expect_words("inline:{ a=b, { c = d, e } }, hash:/f", "inline:{ a=b, { c = d, e } }|hash:/f|");
    expect_words("{a, b}c,d", "{a, b}c|d|");
    /* One that does not close takes the rest; one that closes nothing is a letter. */
    expect_words("inline:{ a, b", "inline:{ a, b|");
    expect_words("a}, b", "a}|b|");
}

static unsigned warnings;

static void count(void *context, const char *text)
{
    (void) context;
    (void) text;
    warnings++;
}

static enum table_result look(const char *tables, const char *key, enum table_kind kinds, char *found, size_t size)
{
    const struct table_set_options options = { .warn = count };
    struct table_set *set = table_set_create(&options);
    struct arena *arena = arena_create();
    struct table_list *list = table_list_open(set, STR("x_maps"), str_from_c(tables), 0);
    struct str value = STR_EMPTY, where = STR_EMPTY;
    struct failure why;
    enum table_result result = table_list_find_where(list, str_from_c(key), kinds, arena, &value, &where, &why);

    (void) snprintf(found, size, "%.*s of %.*s", STR_ARG(value), STR_ARG(where));
    if (result == TABLE_UNKNOWN)
        (void) snprintf(found, size, "%s", why.text);
    arena_destroy(&arena);
    table_set_destroy(&set);
    return result;
}

TEST(the_table_that_answered_is_named_and_a_broken_one_lets_none_behind_it_answer)
{
    char found[500];

    EXPECT_INT(look("inline:{a=1}, inline:{a=2, b=3}", "b", TABLE_FIXED, found, sizeof found), TABLE_FOUND);
    EXPECT_TEXT(found, "3 of inline:{a=2, b=3}");
    EXPECT_INT(look("inline:{a=1}", "", TABLE_FIXED, found, sizeof found), TABLE_ABSENT);
    warnings = 0;
    EXPECT_INT(look("inline:{a=1}, hash:/nowhere/x, static:y", "b", TABLE_FIXED, found, sizeof found), TABLE_UNKNOWN);
    EXPECT(strstr(found, "x_maps: hash:/nowhere/x lookup error for \"b\"") != NULL);
    EXPECT_UINT(warnings, 1);
}
