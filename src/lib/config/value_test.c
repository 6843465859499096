/* SPDX-License-Identifier: Apache-2.0 */
#include "config/main_cf.h"

#include "unit.h"

TEST(lists_keep_braces_together)
{
    struct arena *arena = arena_create();
    struct strlist words;

    words = main_cf_words(STR("a, b,,{ c = d, e }f\tg, "), arena);
    EXPECT_UINT(words.count, 4);
    EXPECT_STR(words.items[2], STR("{ c = d, e }f"));
    words = main_cf_fields(STR("x { a b { c } } ,{}, { unclosed"), arena);
    EXPECT_UINT(words.count, 4);
    EXPECT_STR(words.items[1], STR("a b { c }"));
    EXPECT_STR(words.items[2], STR(""));
    EXPECT_STR(words.items[3], STR("{ unclosed"));
    EXPECT_UINT(main_cf_words(STR(" , ,"), arena).count, 0);
    arena_destroy(&arena);
}

TEST(times_have_units)
{
    int64_t count = 0;

    EXPECT(main_cf_parse_time(STR("5"), 'h', &count));
    EXPECT_INT(count, 18000);
    EXPECT(main_cf_parse_time(STR("30s"), 'h', &count));
    EXPECT_INT(count, 30);
    EXPECT(main_cf_parse_time(STR("2w"), 's', &count));
    EXPECT_INT(count, 1209600);
    EXPECT(main_cf_parse_time(STR("1D"), 's', &count));
    EXPECT(main_cf_parse_time(STR("5mh"), 's', &count));
    EXPECT_INT(count, 300);
    EXPECT_FALSE(main_cf_parse_time(STR("4y"), 's', &count));
    EXPECT_FALSE(main_cf_parse_time(STR("5 days"), 's', &count));
    EXPECT_FALSE(main_cf_parse_time(STR(""), 's', &count));
    EXPECT_FALSE(main_cf_parse_time(STR("-1"), 's', &count));
    EXPECT_FALSE(main_cf_parse_time(STR("1h5m"), 's', &count));
    EXPECT_FALSE(main_cf_parse_time(STR("99999999999999999999"), 's', &count));
    EXPECT_FALSE(main_cf_parse_time(STR("9223372036854775"), 'w', &count));
}

TEST(an_assignment_has_a_name_and_perhaps_a_value)
{
    static const struct {
        const char *text, *name, *value;
    } rows[] = {
        { "a=b", "a", "b" },       { " a = b c ", "a", "b c" }, { "{ a = b }", "a", "b" }, { "a=", "a", "" },
        { "a==b", "a", "=b" },     { "{a = {b}}", "a", "{b}" }, { "=b", NULL, NULL },      { "a", NULL, NULL },
        { "a b = c", NULL, NULL }, { "{ a }", NULL, NULL },     { "", NULL, NULL },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str name = STR("?");
        struct str value = STR("?");

        EXPECT(main_cf_split_assignment(str_from_c(rows[i].text), &name, &value) == (rows[i].name != NULL));
        EXPECT_STR(name, rows[i].name != NULL ? str_from_c(rows[i].name) : STR("?"));
        EXPECT_STR(value, rows[i].name != NULL ? str_from_c(rows[i].value) : STR("?"));
    }
}

TEST(a_boolean_is_yes_or_no)
{
    bool value = false;

    EXPECT(main_cf_parse_boolean(STR("Yes"), &value) && value);
    EXPECT(main_cf_parse_boolean(STR("no"), &value) && !value);
    EXPECT_FALSE(main_cf_parse_boolean(STR("true"), &value));
    EXPECT_FALSE(main_cf_parse_boolean(STR(""), &value));
}

TEST(levels_are_compared_number_by_number)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = { { "3.6", "3.10", -1 }, { "3.6.0", "3.6", 0 }, { " 2 ", "2.0.0", 0 }, { "4", "3.99.99", 1 } };
    static const char *const malformed[] = { "", "x", "3.", "3.6.1.2", "3,6", "-1" };
    int order = 0;

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        EXPECT(main_cf_compare_levels(str_from_c(rows[i].a), str_from_c(rows[i].b), &order));
        EXPECT_INT(order, rows[i].order);
    }
    for (size_t i = 0; i < ARRAY_COUNT(malformed); i++) {
        EXPECT_FALSE(main_cf_compare_levels(str_from_c(malformed[i]), STR("1"), &order));
        EXPECT_FALSE(main_cf_compare_levels(STR("1"), str_from_c(malformed[i]), &order));
    }
}
