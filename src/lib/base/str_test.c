/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "unit.h"

TEST(a_cut_without_the_separator_leaves_the_tail_empty)
{
    struct str head, tail;

    EXPECT_FALSE(str_cut(STR("abc"), ':', &head, &tail));
    EXPECT_STR(head, STR("abc"));
    EXPECT_STR(tail, STR(""));
    EXPECT(str_cut(STR("a:b:c"), ':', &head, &tail));
    EXPECT_STR(head, STR("a"));
    EXPECT_STR(tail, STR("b:c"));
}

TEST(words_are_separated_by_runs)
{
    struct str rest = STR(" ,a, b\t,,c ");
    struct str word;

    EXPECT(str_next_word(&rest, " ,\t", &word));
    EXPECT_STR(word, STR("a"));
    EXPECT(str_next_word(&rest, " ,\t", &word));
    EXPECT_STR(word, STR("b"));
    EXPECT(str_next_word(&rest, " ,\t", &word));
    EXPECT_STR(word, STR("c"));
    EXPECT_FALSE(str_next_word(&rest, " ,\t", &word));
}

TEST(numbers_are_whole_and_bounded)
{
    uint64_t value = 7;
    int64_t number;

    EXPECT(str_to_uint64(STR("18446744073709551615"), &value));
    EXPECT_UINT(value, UINT64_MAX);
    EXPECT_FALSE(str_to_uint64(STR("18446744073709551616"), &value));
    EXPECT_FALSE(str_to_uint64(STR("12x"), &value));
    EXPECT_FALSE(str_to_uint64(STR(""), &value));
    EXPECT(str_to_uint64_base(STR("fF"), 16, &value));
    EXPECT_UINT(value, 255);
    EXPECT(str_to_int64(STR("-12"), &number));
    EXPECT_INT(number, -12);
}

TEST(comparison_without_case_knows_ascii)
{
    EXPECT(str_equal_nocase(STR("ExAmple"), STR("eXaMPLE")));
    EXPECT_FALSE(str_equal_nocase(STR("a"), STR("ab")));
    EXPECT(str_ends_with_nocase(STR("mail.EXAMPLE.com"), STR(".example.com")));
    EXPECT(str_compare(STR("a"), STR("ab")) < 0);
    EXPECT_UINT(str_find_nocase(STR("xxAbC"), STR("abc")), 2);
}

TEST(trimming_takes_blanks_at_both_ends_only)
{
    EXPECT_STR(str_trim(STR(" \t a b\r\n")), STR("a b"));
    EXPECT_STR(str_trim(STR("  ")), STR(""));
}

TEST(characters_are_counted)
{
    EXPECT_UINT(str_count_char(STR(""), 'a'), 0);
    EXPECT_UINT(str_count_char(STR("bcd"), 'a'), 0);
    EXPECT_UINT(str_count_char(STR("abaca"), 'a'), 3);
}

TEST(an_empty_part_still_points_into_the_text)
{
    struct str text = STR("abc");

    EXPECT(str_from(text, 3).data == text.data + 3);
    EXPECT(str_from(text, 9).data == text.data + 3);
    EXPECT_UINT(str_from(text, 9).len, 0);
    EXPECT_UINT(str_from((struct str){ 0 }, 1).len, 0);
}
