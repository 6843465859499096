/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/queue_file_status.h"

#include "spool/bytes.h"

enum { STATUS_VERSION = 1 };

/* Fields of the payload, behind its version byte, and of an outcome inside. */
enum {
    TAG_OUTCOME = 1,
    TAG_ADD_FLAGS = 2,
    TAG_NUMBER = 1,
    TAG_STATUS = 2,
    TAG_DSN = 3,
    TAG_REASON = 4,
};

static void append_outcome(struct strbuf *out, const struct queue_file_outcome *outcome)
{
    struct strbuf fields;
    uint64_t dsn = (uint64_t) outcome->dsn.class << 32 | (uint64_t) outcome->dsn.subject << 16 | outcome->dsn.detail;

    strbuf_init(&fields, QUEUE_FILE_REASON_MAXIMUM + 100);
    bytes_append_number(&fields, TAG_NUMBER, outcome->number);
    bytes_append_number(&fields, TAG_STATUS, outcome->status);
    bytes_append_number(&fields, TAG_DSN, dsn);
    bytes_append_field(&fields, TAG_REASON, str_part(outcome->reason, 0, QUEUE_FILE_REASON_MAXIMUM));
    bytes_append_field(out, TAG_OUTCOME, strbuf_str(&fields));
    strbuf_done(&fields);
}

void queue_file_status_encode(const struct queue_file_outcome *outcomes, size_t count, unsigned add_flags,
                              struct strbuf *out)
{
    strbuf_append_char(out, STATUS_VERSION);
    for (size_t i = 0; i < count; i++)
        append_outcome(out, &outcomes[i]);
    if (add_flags != 0)
        bytes_append_number(out, TAG_ADD_FLAGS, add_flags);
}

static bool take_outcome_number(struct queue_file_outcome *outcome, unsigned tag, uint64_t number)
{
    switch (tag) {
    case TAG_NUMBER:
        outcome->number = (size_t) number;
        return true;
    case TAG_STATUS:
        outcome->status = (enum recipient_status) number;
        return number <= RECIPIENT_RETURNED;
    case TAG_DSN:
        outcome->dsn = (struct dsn_status){ (unsigned char) (number >> 32), (unsigned short) (number >> 16 & 0xffff),
                                            (unsigned short) (number & 0xffff) };
        return number >> 40 == 0;
    default:
        return true;
    }
}

static bool take_outcome(struct str bytes, struct queue_file_outcome *outcome_out)
{
    struct queue_file_outcome outcome = { .number = SIZE_MAX };
    struct cursor cursor = cursor_over(bytes);

    while (!cursor_at_end(&cursor)) {
        struct str value;
        uint64_t number;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value))
            return false;
        if (tag == TAG_REASON)
            outcome.reason = str_part(value, 0, QUEUE_FILE_REASON_MAXIMUM);
        else if (!bytes_number(value, &number) || !take_outcome_number(&outcome, tag, number))
            return false;
    }
    *outcome_out = outcome;
    return true;
}

bool queue_file_status_visit(struct str payload, queue_file_status_visitor *visit, void *context,
                             unsigned *add_flags_out)
{
    struct cursor cursor = cursor_over(payload);
    char version;

    *add_flags_out = 0;
    if (!cursor_take_char(&cursor, &version) || version != STATUS_VERSION)
        return false;
    while (!cursor_at_end(&cursor)) {
        struct queue_file_outcome outcome;
        struct str value;
        uint64_t flags;
        unsigned tag;

        if (!bytes_take_field(&cursor, &tag, &value))
            return false;
        if (tag == TAG_OUTCOME && (!take_outcome(value, &outcome) || !visit(context, &outcome)))
            return false;
        if (tag == TAG_ADD_FLAGS && bytes_number(value, &flags))
            *add_flags_out |= (unsigned) flags;
    }
    return true;
}

/* ---- into an envelope ---- */

struct applying {
    struct arena *arena;
    struct envelope *envelope;
};

static bool apply_outcome(void *context, const struct queue_file_outcome *outcome)
{
    const struct applying *applying = context;
    struct envelope_recipient *recipient;

    if (outcome->number >= applying->envelope->recipient_count)
        return false;
    recipient = &applying->envelope->recipients[outcome->number];
    recipient->status = outcome->status;
    recipient->dsn = outcome->dsn;
    recipient->reason = arena_str(applying->arena, outcome->reason);
    return true;
}

bool queue_file_status_apply(struct str payload, struct arena *arena, struct envelope *envelope)
{
    struct applying applying = { arena, envelope };
    unsigned flags;
    bool is_good = queue_file_status_visit(payload, apply_outcome, &applying, &flags);

    envelope->flags |= flags;
    return is_good;
}
