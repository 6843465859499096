/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/record.h"

#include "unit.h"

static const struct verify_settings settings = {
    .positive_expire_time = { 1000 * 1000000LL },
    .positive_refresh_time = { 100 * 1000000LL },
    .negative_expire_time = { 50 * 1000000LL },
    .negative_refresh_time = { 5 * 1000000LL },
};

static struct record record_of(enum verify_status status)
{
    return (struct record){ .status = status, .updated = instant_from_seconds(1000), .reason = STR("250 2.1.5 Ok") };
}

TEST(a_record_is_read_as_it_was_written)
{
    struct record record = record_of(VERIFY_UNDELIVERABLE);
    struct arena *arena = arena_create();
    struct record read;

    record.reason = STR("host mx.test said: 550 no: really");
    EXPECT_STR(record_format(&record, arena), STR("2:0:1000:host mx.test said: 550 no: really"));
    EXPECT(record_parse(record_format(&record, arena), &read));
    EXPECT_UINT(read.status, VERIFY_UNDELIVERABLE);
    EXPECT_INT(instant_seconds(read.updated), 1000);
    EXPECT_STR(read.reason, STR("host mx.test said: 550 no: really"));
    arena_destroy(&arena);
}

TEST(what_is_no_record_is_not_read)
{
    static const char *const texts[] = { "",           "0",        "0:",       "3:0:1000:x",
                                         "a:0:1000:x", "0:0:1000", "-1:0:0:x", "0:0:99999999999:x" };
    struct record read;

    for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
        EXPECT(!record_parse(str_from_c(texts[i]), &read));
}

TEST(successes_and_failures_have_ages_of_their_own)
{
    struct record good = record_of(VERIFY_DELIVERABLE);
    struct record bad = record_of(VERIFY_DEFERRED);

    EXPECT(record_counts(&good, &settings, instant_from_seconds(2000)));
    EXPECT(!record_counts(&good, &settings, instant_from_seconds(2001)));
    EXPECT(!record_is_stale(&good, &settings, instant_from_seconds(1100)));
    EXPECT(record_is_stale(&good, &settings, instant_from_seconds(1101)));
    EXPECT(record_counts(&bad, &settings, instant_from_seconds(1050)));
    EXPECT(!record_counts(&bad, &settings, instant_from_seconds(1051)));
    EXPECT(!record_is_stale(&bad, &settings, instant_from_seconds(1005)));
    EXPECT(record_is_stale(&bad, &settings, instant_from_seconds(1006)));
}

TEST(a_failure_does_not_replace_a_success_that_counts)
{
    struct record good = record_of(VERIFY_DELIVERABLE);
    struct record bad = record_of(VERIFY_UNDELIVERABLE);
    struct instant soon = instant_from_seconds(1500);

    EXPECT(record_is_replaced(NULL, VERIFY_UNDELIVERABLE, &settings, soon));
    EXPECT(!record_is_replaced(&good, VERIFY_UNDELIVERABLE, &settings, soon));
    EXPECT(record_is_replaced(&good, VERIFY_DELIVERABLE, &settings, soon));
    EXPECT(record_is_replaced(&good, VERIFY_UNDELIVERABLE, &settings, instant_from_seconds(2001)));
    EXPECT(record_is_replaced(&bad, VERIFY_DEFERRED, &settings, soon));
}
