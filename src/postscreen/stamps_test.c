/* SPDX-License-Identifier: Apache-2.0 */
#include "postscreen/stamps.h"

#include "unit.h"

TEST(what_is_written_is_read)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct stamps stamps = { .ends = { { 0 } } };
    struct stamps again;

    stamps.ends[TEST_DNSBL] = instant_from_seconds(1700000000);
    stamps.ends[TEST_BARE_NEWLINE] = instant_from_seconds(1800000000);
    EXPECT_STR(stamps_format(&stamps, arena), STR("0;1700000000;0;0;1800000000"));
    EXPECT(stamps_parse(STR("0;1700000000;0;0;1800000000"), &again));
    EXPECT_INT(instant_seconds(again.ends[TEST_DNSBL]), 1700000000);
    EXPECT_INT(instant_seconds(stamps_last(&again)), 1800000000);
}

TEST(what_is_none_is_refused)
{
    static const char *const texts[] = { "",          "1",          "1;2;3;4",  "1;2;3;4;5;6",
                                         "1;2;3;4;x", "1;2;3;4;-5", "1;2;;4;5", "1;2;3;4;99999999999999999999" };
    struct stamps stamps;

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        EXPECT_FALSE(stamps_parse(str_from_c(texts[i]), &stamps));
}

TEST(a_test_counts_until_its_end)
{
    struct stamps stamps = { .ends = { { 0 } } };

    stamps.ends[TEST_GREETING] = instant_from_seconds(100);
    EXPECT_UINT(stamps_missing(&stamps, instant_from_seconds(99)) & TEST_BIT(TEST_GREETING), 0);
    EXPECT(stamps_missing(&stamps, instant_from_seconds(100)) & TEST_BIT(TEST_GREETING));
    EXPECT(stamps_missing(&stamps, instant_from_seconds(99)) & TEST_BIT(TEST_DNSBL));
}

TEST(a_test_that_there_was_not_is_not_one_that_was_never_passed)
{
    struct stamps stamps = { .ends = { { 0 } } };

    stamps.ends[TEST_GREETING] = instant_from_seconds(100);
    stamps_set_disabled(&stamps, TEST_GREETING);
    stamps_set_disabled(&stamps, TEST_DNSBL);
    EXPECT_INT(instant_seconds(stamps.ends[TEST_GREETING]), 100);
    EXPECT_INT(instant_seconds(stamps.ends[TEST_DNSBL]), 1);
    EXPECT_UINT(stamps_never(&stamps), TESTS_OF_DIALOGUE);
    EXPECT(stamps_missing(&stamps, instant_from_seconds(50)) & TEST_BIT(TEST_DNSBL));
}
