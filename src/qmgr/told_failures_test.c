/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/told_failures.h"
#include "unit.h"

static struct queue_id id_of(uint64_t n)
{
    return queue_id_make(n, 0, false);
}

static void add(struct told_failures *failures, uint64_t n, uint64_t recipient, struct str reason)
{
    struct queue_file_outcome outcome = { .number = recipient, .status = RECIPIENT_FAILED, .reason = reason };

    told_failures_add(failures, id_of(n), &outcome);
}

static struct str reason_of(const struct told_failures *failures, uint64_t n, size_t place)
{
    size_t count;
    const struct queue_file_outcome *outcomes = told_failures_of(failures, id_of(n), &count);

    return place < count ? outcomes[place].reason : STR("(none)");
}

TEST(each_message_has_its_own_failures_until_they_are_forgotten)
{
    struct told_failures *failures = told_failures_create();

    for (uint64_t n = 1; n <= 3000; n++)
        add(failures, n, n % 7, n % 2 == 0 ? STR("even") : STR("odd"));
    EXPECT_STR(reason_of(failures, 2000, 0), STR("even"));
    EXPECT_STR(reason_of(failures, 2001, 0), STR("odd"));
    told_failures_forget(failures, id_of(2000));
    EXPECT_STR(reason_of(failures, 2000, 0), STR("(none)"));
    EXPECT_STR(reason_of(failures, 2001, 0), STR("odd"));
    told_failures_destroy(&failures);
}

TEST(a_later_word_on_a_recipient_counts_instead_of_the_first)
{
    struct told_failures *failures = told_failures_create();

    add(failures, 1, 5, STR("first"));
    add(failures, 1, 6, STR("another"));
    add(failures, 1, 5, STR("second"));
    EXPECT_STR(reason_of(failures, 1, 0), STR("second"));
    EXPECT_STR(reason_of(failures, 1, 1), STR("another"));
    EXPECT_STR(reason_of(failures, 1, 2), STR("(none)"));
    told_failures_destroy(&failures);
}

TEST(only_pending_recipients_have_failed)
{
    struct told_failures *failures = told_failures_create();
    struct arena *arena = arena_create();
    struct envelope_recipient recipients[3] = { { .status = RECIPIENT_PENDING },
                                                { .status = RECIPIENT_RETURNED },
                                                { .status = RECIPIENT_PENDING } };
    struct envelope envelope = { .recipients = recipients, .recipient_count = 3 };

    add(failures, 1, 0, STR("no such user"));
    add(failures, 1, 1, STR("no such user"));
    add(failures, 1, 9, STR("nobody"));
    told_failures_apply(failures, id_of(1), arena, &envelope);
    told_failures_apply(failures, id_of(2), arena, &envelope);
    EXPECT_INT(recipients[0].status, RECIPIENT_FAILED);
    EXPECT_STR(recipients[0].reason, STR("no such user"));
    EXPECT_INT(recipients[1].status, RECIPIENT_RETURNED);
    EXPECT_INT(recipients[2].status, RECIPIENT_PENDING);
    arena_destroy(&arena);
    told_failures_destroy(&failures);
}

TEST(what_would_take_too_much_memory_is_not_kept)
{
    struct told_failures *failures = told_failures_create();
    static const char words[1000];
    size_t kept = 0;

    for (uint64_t n = 1; n <= 20000; n++) {
        size_t count;

        add(failures, n, 0, str_make(words, sizeof(words)));
        (void) told_failures_of(failures, id_of(n), &count);
        kept += count;
    }
    EXPECT(kept > 10000 && kept < 17000);
    told_failures_forget(failures, id_of(1));
    add(failures, 20001, 0, STR("room again"));
    EXPECT_STR(reason_of(failures, 20001, 0), STR("room again"));
    told_failures_destroy(&failures);
}
