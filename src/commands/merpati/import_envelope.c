/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import_envelope.h"

#include "mail/verp.h"
#include "spool/envelope_attributes.h"

#include <time.h>

/* Of the recipient whose line comes next. */
struct pending {
    struct str original;
    struct str dsn_original;
    uint64_t notify;
};

static uint64_t number_of(struct str text)
{
    uint64_t number;

    return str_to_uint64(str_trim(text), &number) ? number : 0;
}

/* Of Postfix's requests that are not of a recipient: to report, and not to deliver (sendmail -v, -bv). */
enum { TRACE_VERIFY = 1 << 9, TRACE_RECORD = 1 << 10 };

static void take_trace(uint64_t flags, struct envelope *envelope)
{
    if ((flags & TRACE_VERIFY) != 0)
        envelope->flags |= ENVELOPE_TRACE_VERIFY;
    if ((flags & TRACE_RECORD) != 0)
        envelope->flags |= ENVELOPE_TRACE_RECORD;
}

static void take_encoding(struct str value, struct envelope *envelope)
{
    envelope->encoding = value;
    if (str_equal(value, STR("8bit")))
        envelope->flags |= ENVELOPE_BODY_8BIT;
}

static void take_attribute(struct str text, struct arena *arena, struct envelope *envelope, struct pending *pending)
{
    struct str name, value;

    (void) str_cut(text, '=', &name, &value);
    value = arena_str(arena, value);
    if (str_equal(name, STR("rewrite_context")))
        envelope->rewrite = str_equal(value, STR("local")) ? ENVELOPE_REWRITE_LOCAL : ENVELOPE_REWRITE_REMOTE;
    else if (str_equal(name, STR("encoding")))
        take_encoding(value, envelope);
    else if (str_equal(name, STR("envelope_id")))
        envelope->dsn_envid = value;
    else if (str_equal(name, STR("ret_flags")))
        envelope->dsn_return = number_of(value) == 1 ? DSN_RETURN_FULL : DSN_RETURN_HEADERS;
    else if (str_equal(name, STR("trace_flags")))
        take_trace(number_of(value), envelope);
    else if (str_equal(name, STR("notify_flags")))
        pending->notify = number_of(value);
    else if (str_equal(name, STR("dsn_orig_rcpt")))
        pending->dsn_original = value;
    else if (str_equal(name, STR("log_message_origin")))
        envelope_add_attribute(envelope, arena, name, value);
    else
        (void) !envelope_attribute_place(envelope, arena, name, value);
}

/* size, offset, recipients, flags of the queue manager, length, flags of SMTPUTF8: asked for, and of the header. */
static void take_sizes(struct str text, struct envelope *envelope)
{
    struct str word = STR_EMPTY;
    uint64_t flags;

    for (unsigned i = 0; i < 6; i++) {
        if (!str_next_word(&text, " ", &word))
            return;
    }
    flags = number_of(word);
    if ((flags & 1) != 0)
        envelope->flags |= ENVELOPE_SMTPUTF8;
    if ((flags & 2) != 0)
        envelope->flags |= ENVELOPE_SMTPUTF8_HEADER;
}

static bool take_time(struct str text, struct arena *arena, struct envelope *envelope)
{
    struct tm parts = { 0 };
    const char *end = strptime(arena_c(arena, text), "%a %b %d %H:%M:%S %Y", &parts);

    if (end == NULL || *end != '\0')
        return false;
    parts.tm_isdst = -1;
    envelope->arrival = instant_from_seconds(mktime(&parts));
    return true;
}

/* One recipient, or one that is none any more: what was said for it is not for the next. */
static void take_recipient(struct str name, struct str value, struct arena *arena, struct envelope *envelope,
                           struct pending *pending)
{
    if (str_equal(name, STR("recipient")))
        (void) envelope_add_recipient(envelope, arena, value, pending->original, pending->dsn_original,
                                      (unsigned) pending->notify & 15);
    *pending = (struct pending){ 0 };
}

static bool take_line(struct str line, struct arena *arena, struct import_envelope *out, struct pending *pending,
                      struct failure *why)
{
    struct envelope *envelope = &out->envelope;
    struct str name, value;

    if (!str_cut(line, ':', &name, &value))
        return true;
    value = arena_str(arena, str_from(value, str_starts_with(value, STR(" ")) ? 1 : 0));
    if (str_equal(name, STR("named_attribute")))
        take_attribute(value, arena, envelope, pending);
    else if (str_equal(name, STR("message_size")))
        take_sizes(value, envelope);
    else if (str_equal(name, STR("message_arrival_time")) && !take_time(value, arena, envelope))
        return failure_set(why, FAILURE_PERMANENT, 0, "arrival time \"%.*s\"", STR_ARG(value));
    else if (str_equal(name, STR("sender")))
        envelope->sender = value;
    else if (str_equal(name, STR("sender_fullname")))
        out->full_name = value;
    else if (str_equal(name, STR("content_filter")))
        envelope->content_filter = value;
    else if (str_equal(name, STR("redirect_to")))
        out->redirect = value;
    else if (str_equal(name, STR("verp_delimiters")))
        envelope_add_attribute(envelope, arena, STR(VERP_ATTRIBUTE), value);
    else if (str_equal(name, STR("original_recipient")))
        pending->original = value;
    else if (str_ends_with(name, STR("recipient")))
        take_recipient(name, value, arena, envelope, pending);
    return true;
}

/* As by the action REDIRECT: one for all, and no filter. */
static void redirect(struct import_envelope *out)
{
    struct envelope *envelope = &out->envelope;

    if (out->redirect.len == 0 || envelope->recipient_count == 0)
        return;
    envelope->recipients[0].address = out->redirect;
    envelope->recipient_count = 1;
    envelope->content_filter = STR_EMPTY;
}

bool import_envelope_parse(struct str text, struct arena *arena, struct import_envelope *out, struct failure *why)
{
    struct pending pending = { 0 };
    struct str line;

    *out = (struct import_envelope){ .envelope.rewrite = ENVELOPE_REWRITE_REMOTE };
    if (str_find(text, STR("*** MESSAGE FILE END ")) == STR_NOT_FOUND)
        return failure_set(why, FAILURE_PERMANENT, 0, "the envelope has no end");
    while (text.len > 0) {
        (void) str_cut(text, '\n', &line, &text);
        if (!str_starts_with(line, STR("*** ")) && !take_line(line, arena, out, &pending, why))
            return false;
    }
    redirect(out);
    return true;
}

/* ---- notes ---- */

struct note {
    struct pending pending;
    struct str recipient;
    struct str reason;
    struct dsn_status status;
    bool has_failed;
};

static struct envelope_recipient *find(struct envelope *envelope, struct str address)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (str_equal(envelope->recipients[i].address, address))
            return &envelope->recipients[i];
    }
    return NULL;
}

static void apply(const struct note *note, struct arena *arena, struct envelope *envelope)
{
    struct envelope_recipient *recipient = note->has_failed ? NULL : find(envelope, note->recipient);

    if (note->recipient.len == 0 || (recipient == NULL && !note->has_failed))
        return;
    if (note->has_failed) {
        recipient = envelope_add_recipient(envelope, arena, note->recipient, note->pending.original,
                                           note->pending.dsn_original, (unsigned) note->pending.notify & 15);
        recipient->status = RECIPIENT_FAILED;
    }
    recipient->dsn = note->status;
    recipient->reason = arena_str(arena, note->reason);
}

void import_envelope_note(struct str text, struct arena *arena, struct envelope *envelope)
{
    struct note note = { 0 };
    struct str line, name, value;

    while (text.len > 0) {
        (void) str_cut(text, '\n', &line, &text);
        if (line.len == 0) {
            apply(&note, arena, envelope);
            note = (struct note){ 0 };
        }
        if (!str_cut(line, '=', &name, &value))
            continue;
        if (str_equal(name, STR("recipient")))
            note.recipient = value;
        else if (str_equal(name, STR("original_recipient")))
            note.pending.original = value;
        else if (str_equal(name, STR("dsn_orig_rcpt")))
            note.pending.dsn_original = value;
        else if (str_equal(name, STR("notify_flags")))
            note.pending.notify = number_of(value);
        else if (str_equal(name, STR("status")) && !dsn_status_parse(value, &note.status))
            note.status = (struct dsn_status){ 0 };
        else if (str_equal(name, STR("action")))
            note.has_failed = str_equal(value, STR("failed"));
        else if (str_equal(name, STR("reason")))
            note.reason = value;
    }
    apply(&note, arena, envelope);
}
