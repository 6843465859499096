/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/loader.h"
#include "unit.h"

/* Its strings are the text, which the test overwrites when the delivery is over. */
static struct envelope make_envelope(struct arena *arena, struct queue_id id, char *text)
{
    struct envelope envelope = { .id = id, .sender = str_from_c(text), .content_size = 4711, .content_lines = 89 };
    struct envelope_recipient *recipient = envelope_add_recipient(&envelope, arena, STR_EMPTY, STR_EMPTY, STR_EMPTY, 0);

    recipient->address = str_from_c(text);
    recipient->original = str_from_c(text);
    recipient->reason = str_from_c(text);
    return envelope;
}

TEST(the_envelope_of_a_message_in_delivery_outlives_the_delivery)
{
    struct arena *arena = arena_create();
    char text[] = "a@example.com";
    struct queue_id id = queue_id_make(123456789, 2, false);
    struct envelope own = make_envelope(arena, id, text);
    struct active_message active = { .arena = arena, .envelope = &own };
    struct keeper keeper = { .index = queue_index_create() };
    struct arena *reader = arena_create();
    struct envelope envelope;
    struct failure why;

    queue_index_add(keeper.index, id, SPOOL_ACTIVE)->active = &active;
    EXPECT(loader_read_envelope(&keeper, id, reader, &envelope, &why));
    own.recipients[0].status = RECIPIENT_DELIVERED;
    memset(text, '#', sizeof(text) - 1);
    EXPECT_STR(envelope.sender, STR("a@example.com"));
    EXPECT_UINT(envelope_wire_size(&envelope), 4800);
    EXPECT_UINT(envelope.recipient_count, 1);
    EXPECT_UINT(envelope.recipients[0].status, RECIPIENT_PENDING);
    EXPECT_STR(envelope.recipients[0].address, STR("a@example.com"));
    EXPECT_STR(envelope.recipients[0].original, STR("a@example.com"));
    EXPECT_STR(envelope.recipients[0].reason, STR("a@example.com"));
    arena_destroy(&reader);
    arena_destroy(&arena);
    queue_index_destroy(&keeper.index);
}
