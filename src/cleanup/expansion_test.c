/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/expansion.h"
#include "unit.h"

enum { NOTED_MAXIMUM = EXPANSION_ATTRIBUTES_MAXIMUM / 2 };

static unsigned note(struct message *message, unsigned notify)
{
    struct pending_recipient recipient = { .address = STR("list@example.com"),
                                           .original = STR("List@example.com"),
                                           .dsn_orcpt = STR("rfc822;list@example.com"),
                                           .dsn_notify = notify };

    expansion_note(message, &recipient);
    return recipient.dsn_notify;
}

TEST(what_an_envelope_keeps_of_expansions_has_a_maximum_and_beyond_it_no_wish_is_lost)
{
    struct message message = { .arena = arena_create() };

    for (size_t i = 0; i < NOTED_MAXIMUM; i++)
        EXPECT_UINT(note(&message, DSN_NOTIFY_SUCCESS), DSN_NOTIFY_NEVER);
    EXPECT_UINT(message.envelope.attribute_count, EXPANSION_ATTRIBUTES_MAXIMUM);
    EXPECT_UINT(note(&message, DSN_NOTIFY_SUCCESS), DSN_NOTIFY_SUCCESS);
    EXPECT_UINT(message.envelope.attribute_count, EXPANSION_ATTRIBUTES_MAXIMUM);
    arena_destroy(&message.arena);
}
