/* SPDX-License-Identifier: Apache-2.0 */
#include "anvil/counters.h"

#include "unit.h"

static struct instant at(int64_t second)
{
    return instant_from_seconds(1000 + second);
}

static struct anvil_numbers add(struct counters *counters, const char *name, enum anvil_kind kind, int64_t second,
                                struct counted_client **client)
{
    struct anvil_numbers numbers;

    counters_add(counters, str_from_c(name), kind, at(second), at(second), client, &numbers);
    return numbers;
}

TEST(connections_are_counted_while_they_last)
{
    struct counters *counters = counters_create(seconds(60));
    struct counted_client *one = NULL, *two = NULL, *other = NULL;

    EXPECT_UINT(add(counters, "smtp:192.0.2.1", ANVIL_CONNECTION, 0, &one).count, 1);
    EXPECT_UINT(add(counters, "smtp:192.0.2.1", ANVIL_CONNECTION, 0, &two).count, 2);
    EXPECT_UINT(add(counters, "smtp:192.0.2.2", ANVIL_CONNECTION, 0, &other).count, 1);
    counters_leave(counters, one, 1);
    one = NULL;
    EXPECT_UINT(add(counters, "smtp:192.0.2.1", ANVIL_CONNECTION, 1, &one).count, 2);
    EXPECT_UINT(add(counters, "smtp:192.0.2.1", ANVIL_MESSAGE, 1, &one).count, 2);
    EXPECT_UINT(counters_count_peak(counters).value, 2);
    EXPECT_STR(counters_count_peak(counters).client, STR("smtp:192.0.2.1"));
    counters_destroy(&counters);
}

TEST(a_rate_begins_anew_after_its_time)
{
    struct counters *counters = counters_create(seconds(60));
    struct counted_client *client = NULL;

    EXPECT_UINT(add(counters, "a", ANVIL_RECIPIENT, 0, &client).rate, 1);
    EXPECT_UINT(add(counters, "a", ANVIL_RECIPIENT, 59, &client).rate, 2);
    EXPECT_UINT(add(counters, "a", ANVIL_MESSAGE, 59, &client).rate, 1);
    EXPECT_UINT(add(counters, "a", ANVIL_RECIPIENT, 60, &client).rate, 1);
    EXPECT_UINT(add(counters, "a", ANVIL_MESSAGE, 60, &client).rate, 2);
    EXPECT_UINT(counters_rate_peak(counters, ANVIL_RECIPIENT).value, 2);
    EXPECT_UINT(counters_rate_peak(counters, ANVIL_AUTH).value, 0);
    counters_forget_peaks(counters);
    EXPECT_UINT(counters_rate_peak(counters, ANVIL_RECIPIENT).value, 0);
    counters_destroy(&counters);
}

TEST(a_question_counts_nothing)
{
    struct counters *counters = counters_create(seconds(60));
    struct counted_client *client = NULL;
    struct anvil_numbers numbers;

    counters_get(counters, STR("a"), ANVIL_TLS_SESSION, at(0), &numbers);
    EXPECT_UINT(numbers.rate, 0);
    EXPECT_UINT(counters_clients(counters), 0);
    (void) add(counters, "a", ANVIL_CONNECTION, 0, &client);
    (void) add(counters, "a", ANVIL_TLS_SESSION, 0, &client);
    (void) add(counters, "a", ANVIL_TLS_SESSION, 1, &client);
    for (int i = 0; i < 2; i++) {
        counters_get(counters, STR("a"), ANVIL_TLS_SESSION, at(59), &numbers);
        EXPECT_UINT(numbers.rate, 2);
        EXPECT_UINT(numbers.count, 1);
    }
    counters_get(counters, STR("a"), ANVIL_TLS_SESSION, at(60), &numbers);
    EXPECT_UINT(numbers.rate, 0);
    counters_destroy(&counters);
}

TEST(who_is_gone_is_forgotten_when_his_rates_are_over)
{
    struct counters *counters = counters_create(seconds(60));
    struct counted_client *stays = NULL, *goes = NULL;

    (void) add(counters, "stays", ANVIL_CONNECTION, 0, &stays);
    (void) add(counters, "goes", ANVIL_CONNECTION, 0, &goes);
    (void) add(counters, "goes", ANVIL_MESSAGE, 30, &goes);
    counters_leave(counters, goes, 1);
    EXPECT_UINT(counters_size_peak(counters).value, 2);
    counters_sweep(counters, at(89));
    EXPECT_UINT(counters_clients(counters), 2);
    counters_sweep(counters, at(90));
    EXPECT_UINT(counters_clients(counters), 1);
    counters_leave(counters, stays, 1);
    counters_sweep(counters, at(90));
    EXPECT_UINT(counters_clients(counters), 0);
    counters_destroy(&counters);
}
