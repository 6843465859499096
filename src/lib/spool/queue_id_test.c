/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_id.h"
#include "unit.h"

static struct instant second_of_2026(int64_t n)
{
    return instant_from_seconds(1767225600 + n);
}

static struct queue_id_source source_of(unsigned writer, bool is_long)
{
    return (struct queue_id_source){ .ceiling = UINT64_MAX, .writer = writer, .is_long = is_long };
}

TEST(ids_never_repeat_in_a_burst_or_when_the_clock_steps_back)
{
    struct queue_id_source source = source_of(0, false);
    struct queue_id last = QUEUE_ID_NONE;

    for (int i = 0; i < 20000; i++) {
        struct queue_id id;

        EXPECT(queue_id_next(&source, second_of_2026(i < 10000 ? 100 : 50), &id));
        EXPECT(queue_id_tick(id) > queue_id_tick(last));
        last = id;
    }
}

TEST(two_writers_never_make_the_same_id)
{
    struct queue_id_source one = source_of(1, false);
    struct queue_id_source two = source_of(2, false);
    struct queue_id a;
    struct queue_id b;

    EXPECT(queue_id_next(&one, second_of_2026(0), &a));
    EXPECT(queue_id_next(&two, second_of_2026(0), &b));
    EXPECT_FALSE(queue_id_equal(a, b));
    EXPECT_UINT(queue_id_writer(a), 1);
    EXPECT_UINT(queue_id_writer(b), 2);
}

TEST(no_id_is_given_beyond_the_ceiling)
{
    struct queue_id_source source = source_of(0, false);
    struct queue_id id;

    source.ceiling = queue_id_tick_at(second_of_2026(1));
    EXPECT(queue_id_next(&source, second_of_2026(1), &id));
    EXPECT_FALSE(queue_id_next(&source, second_of_2026(1), &id));
    source.ceiling += 1;
    EXPECT(queue_id_next(&source, second_of_2026(1), &id));
}

TEST(both_spellings_are_read_back_as_the_same_id)
{
    for (int spelling = 0; spelling < 2; spelling++) {
        struct queue_id_source source = source_of(15, spelling == 1);

        for (int i = 0; i < 10000; i++) {
            char text[QUEUE_ID_TEXT_SIZE];
            struct queue_id id;
            struct queue_id again = QUEUE_ID_NONE;

            EXPECT(queue_id_next(&source, second_of_2026(i / 3), &id));
            EXPECT(queue_id_parse(queue_id_format(id, text), &again));
            EXPECT_UINT(again.value, id.value);
        }
    }
}

TEST(a_short_id_is_twelve_upper_case_hexadecimal_digits)
{
    char text[QUEUE_ID_TEXT_SIZE];
    struct str spelled = queue_id_format(queue_id_make(queue_id_tick_at(second_of_2026(0)), 3, false), text);

    EXPECT_UINT(spelled.len, 12);
    for (size_t i = 0; i < spelled.len; i++)
        EXPECT(char_is_digit(spelled.data[i]) || (spelled.data[i] >= 'A' && spelled.data[i] <= 'F'));
}

TEST(a_long_id_has_no_vowels_and_a_z_before_the_writer)
{
    char text[QUEUE_ID_TEXT_SIZE];
    struct str spelled = queue_id_format(queue_id_make(queue_id_tick_at(second_of_2026(0)), 3, true), text);

    EXPECT_UINT(spelled.len, 12);
    EXPECT_INT(spelled.data[10], 'z');
    EXPECT_UINT(str_find_any(spelled, "aeiouAEIOU"), STR_NOT_FOUND);
}

TEST(the_arrival_time_is_in_the_id)
{
    struct queue_id_source source = source_of(0, false);
    struct queue_id id;
    int64_t off;

    EXPECT(queue_id_next(&source, (struct instant){ second_of_2026(7).us + 123456 }, &id));
    off = queue_id_arrival(id).us - (second_of_2026(7).us + 123456);
    EXPECT(off >= 0 && off < 200);
}

TEST(the_folders_are_named_by_the_fast_digits)
{
    struct queue_id_source source = source_of(0, false);
    unsigned seen = 0;

    for (int i = 0; i < 64; i++) {
        char digits[QUEUE_ID_HASH_DIGITS + 1];
        struct queue_id id;
        char text[QUEUE_ID_TEXT_SIZE];

        EXPECT(queue_id_next(&source, (struct instant){ second_of_2026(0).us + i * 15625 }, &id));
        queue_id_hash_digits(id, digits);
        EXPECT(str_starts_with(queue_id_format(id, text), str_from_c(digits)));
        seen |= 1u << (char_is_digit(digits[0]) ? digits[0] - '0' : digits[0] - 'A' + 10);
    }
    EXPECT_UINT(seen, 0xffff);
}

TEST(the_folders_of_long_ids_are_hexadecimal_too)
{
    char digits[QUEUE_ID_HASH_DIGITS + 1];

    queue_id_hash_digits(queue_id_make(queue_id_tick_at(second_of_2026(0)) + 4096, 0, true), digits);
    EXPECT_TEXT(digits, "7A12");
}

TEST(what_is_no_id_is_refused)
{
    static const char *const bad[] = { "",
                                       "A",
                                       "98AC3161ABF",
                                       "98AC3161ABF00",
                                       "98ac3161abf0",
                                       "000000000000",
                                       "0000000000/.",
                                       "zzzzzzzzzzzz",
                                       "ZZZZZZZZZZzz",
                                       "3XXXXXzzzzz0",
                                       "../../../etc",
                                       "000000ZZZZz0",
                                       "4Y0000000zz0",
                                       "4Y00000001z0" };
    struct queue_id id;

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
        EXPECT_FALSE(queue_id_parse(str_from_c(bad[i]), &id));
}
