/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/site_marks.h"

#include "unit.h"

#include <stdio.h>

static struct envelope envelope_to(struct envelope_recipient *recipients, size_t count)
{
    return (struct envelope){ .recipients = recipients, .recipient_count = count };
}

TEST(what_a_message_has_is_always_marked)
{
    for (unsigned i = 0; i < 1000; i++) {
        char address[64], site[64];
        struct envelope_recipient recipient = { 0 };
        struct envelope envelope = envelope_to(&recipient, 1);

        snprintf(address, sizeof address, "user@Site%u.Example", i);
        snprintf(site, sizeof site, "site%u.EXAMPLE", i);
        recipient.address = str_from_c(address);
        EXPECT(site_marks_may_have(site_marks_of(&envelope), str_from_c(site)));
        EXPECT(site_has_recipient(&envelope, str_from_c(site)));
    }
}

TEST(nearly_all_else_is_known_not_to_be_there)
{
    struct envelope_recipient recipient = { .address = STR("user@one.example") };
    struct envelope envelope = envelope_to(&recipient, 1);
    uint64_t marks = site_marks_of(&envelope);
    unsigned wrong = 0;

    for (unsigned i = 0; i < 1000; i++) {
        char site[64];

        snprintf(site, sizeof site, "site%u.example", i);
        wrong += site_marks_may_have(marks, str_from_c(site));
        EXPECT_FALSE(site_has_recipient(&envelope, str_from_c(site)));
    }
    EXPECT(wrong < 20);
}

TEST(recipients_that_are_finished_do_not_count)
{
    struct envelope_recipient recipients[] = {
        { .address = STR("a@done.example"), .status = RECIPIENT_DELIVERED },
        { .address = STR("a@returned.example"), .status = RECIPIENT_RETURNED },
        { .address = STR("a@open.example") },
        { .address = STR("postmaster") },
    };
    struct envelope envelope = envelope_to(recipients, 4);

    EXPECT_FALSE(site_has_recipient(&envelope, STR("done.example")));
    EXPECT_FALSE(site_has_recipient(&envelope, STR("returned.example")));
    EXPECT(site_has_recipient(&envelope, STR("open.example")));
    EXPECT_FALSE(site_has_recipient(&envelope, STR("postmaster")));
}

TEST(nothing_known_may_be_anything)
{
    struct envelope nobody = { 0 };

    EXPECT(site_marks_may_have(0, STR("x.example")));
    EXPECT(site_marks_of(&nobody) != 0);
    EXPECT_FALSE(site_marks_may_have(site_marks_of(&nobody), STR("x.example")));
}
