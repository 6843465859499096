/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_status.h"

#include "unit.h"

static struct envelope three_recipients(struct arena *arena)
{
    return (struct envelope){ .recipients = arena_new_array(arena, 3, struct envelope_recipient),
                              .recipient_count = 3,
                              .flags = ENVELOPE_TRACE_RECORD };
}

/* The payload of a status frame with one outcome. */
static bool apply_one(struct queue_file_outcome outcome, struct arena *arena, struct envelope *envelope)
{
    struct strbuf payload;
    bool is_applied;

    strbuf_init(&payload, 10000);
    queue_file_status_encode(&outcome, 1, 0, &payload);
    is_applied = queue_file_status_apply(strbuf_str(&payload), arena, envelope);
    strbuf_done(&payload);
    return is_applied;
}

TEST(outcomes_come_back_as_they_were_written)
{
    static const struct queue_file_outcome rows[] = {
        { 0, RECIPIENT_DELIVERED, { 2, 0, 0 }, { NULL, 0 } },
        { 1, RECIPIENT_PENDING, { 4, 4, 1 }, { "connect: refused", 16 } },
        { 2, RECIPIENT_FAILED, { 5, 1, 65535 }, { "no such user", 12 } },
        { 2, RECIPIENT_RETURNED, { 5, 1, 1 }, { "no such user", 12 } },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct envelope envelope = three_recipients(arena);
        const struct envelope_recipient *recipient = &envelope.recipients[rows[i].number];

        EXPECT(apply_one(rows[i], arena, &envelope));
        EXPECT_INT(recipient->status, rows[i].status);
        EXPECT_UINT(recipient->dsn.class, rows[i].dsn.class);
        EXPECT_UINT(recipient->dsn.subject, rows[i].dsn.subject);
        EXPECT_UINT(recipient->dsn.detail, rows[i].dsn.detail);
        EXPECT_STR(recipient->reason, rows[i].reason);
    }
    arena_destroy(&arena);
}

TEST(flags_are_added_to_those_that_stand)
{
    struct arena *arena = arena_create();
    struct envelope envelope = three_recipients(arena);
    struct strbuf payload;

    strbuf_init(&payload, 100);
    queue_file_status_encode(NULL, 0, ENVELOPE_DELAY_WARNED, &payload);
    EXPECT(queue_file_status_apply(strbuf_str(&payload), arena, &envelope));
    EXPECT_UINT(envelope.flags, ENVELOPE_TRACE_RECORD | ENVELOPE_DELAY_WARNED);
    strbuf_done(&payload);
    arena_destroy(&arena);
}

TEST(a_reason_is_kept_to_its_maximum)
{
    static char text[QUEUE_FILE_REASON_MAXIMUM + 1];
    struct arena *arena = arena_create();
    struct envelope envelope = three_recipients(arena);
    struct queue_file_outcome outcome = { .status = RECIPIENT_FAILED, .reason = str_make(text, sizeof(text)) };

    memset(text, 'x', sizeof(text));
    EXPECT(apply_one(outcome, arena, &envelope));
    EXPECT_UINT(envelope.recipients[0].reason.len, QUEUE_FILE_REASON_MAXIMUM);
    arena_destroy(&arena);
}

TEST(an_outcome_of_nobody_is_refused)
{
    struct arena *arena = arena_create();
    struct envelope envelope = three_recipients(arena);

    EXPECT_FALSE(apply_one((struct queue_file_outcome){ .number = 3 }, arena, &envelope));
    EXPECT_FALSE(apply_one((struct queue_file_outcome){ .number = SIZE_MAX }, arena, &envelope));
    arena_destroy(&arena);
}

TEST(bytes_that_are_no_status_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        { "", 0 },
        { "\x02", 1 },                                 /* another version */
        { "\x01\x01", 2 },                             /* a tag alone */
        { "\x01\x01\x05\x01\x01", 5 },                 /* shorter than it says */
        { "\x01\x01\x00", 3 },                         /* an outcome without number */
        { "\x01\x01\x06\x01\x01\x00\x02\x01\x09", 9 }, /* no such status */
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct envelope envelope = three_recipients(arena);

        EXPECT_FALSE(queue_file_status_apply(str_make(rows[i].bytes, rows[i].len), arena, &envelope));
    }
    arena_destroy(&arena);
}
