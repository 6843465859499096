/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/filtering.h"

#include "cleanup/filtering_private.h"
#include "cleanup/inspection.h"
#include "cleanup/recipients.h"
#include "cleanup/service.h"
#include "mail/domain.h"
#include "mail/dsn.h"
#include "mail/header.h"

static struct filtering *create(struct message *message, struct milters *milters)
{
    struct filtering *filtering = arena_new(message->arena, struct filtering);

    filtering->message = message;
    filtering->milters = milters;
    filtering->arena = arena_create();
    return filtering;
}

bool filtering_borrow(struct message *message, const struct cleanup_milter *milter, struct failure *why)
{
    if (message->filtering == NULL) {
        message->filtering = create(message, milters_create_borrowed(message->service->loop));
        message->filtering->is_borrowed = true;
    }
    return milters_borrow(message->filtering->milters, milter->fd, milter->state, why);
}

struct str filtering_conditions(const struct message *message)
{
    const struct filtering *filtering = message->filtering;

    if (filtering == NULL || !filtering->is_borrowed)
        return STR_EMPTY;
    return milters_conditions(filtering->milters, message->arena);
}

void filtering_done(struct filtering **filtering)
{
    if (*filtering == NULL)
        return;
    milters_destroy(&(*filtering)->milters);
    arena_destroy(&(*filtering)->arena);
    *filtering = NULL;
}

/* ---- verdicts ---- */

/* "550 5.7.1 Command rejected" into its parts; the code of the whole is in front of each line. */
static void refuse(struct message *message, struct str reply)
{
    struct str dsn = STR("5.7.1"), text = str_from(reply, 4), word, rest = text;
    struct dsn_status status;
    size_t end;

    if (str_next_word(&rest, " ", &word) && dsn_status_parse(word, &status)) {
        dsn = word;
        text = str_trim_left(rest);
    } else if (str_starts_with(reply, STR("4"))) {
        dsn = STR("4.7.1");
    }
    end = str_find_char(text, '\n');
    if (end != STR_NOT_FOUND)
        text = str_part(text, 0, end);
    message_fail(message, str_starts_with(reply, STR("5")) ? CLEANUP_REJECTED : CLEANUP_DEFERRED, dsn, text);
    message->reply = arena_str(message->arena, reply);
}

struct log_origin filtering_origin(const struct filtering *filtering)
{
    struct log_origin origin = inspection_origin(filtering->message);

    if (!filtering->is_borrowed)
        origin.client = STR("localhost[127.0.0.1]");
    return origin;
}

static void log_verdict(struct filtering *filtering, const char *action, const char *stage, struct str recipient,
                        struct str text)
{
    struct log_origin origin = filtering_origin(filtering);

    origin.recipient = recipient;
    log_milter_action(filtering->message->queue_id, action, stage, &origin, text);
}

bool filtering_obey(struct filtering *filtering, const struct milter_verdict *verdict, const char *stage,
                    struct str recipient)
{
    struct message *message = filtering->message;

    switch (verdict->action) {
    case MILTER_CONTINUE:
        return true;
    case MILTER_HOLD:
        if (filtering->hold_stage == NULL)
            filtering->hold_stage = stage;
        return true;
    case MILTER_DISCARD:
        log_verdict(filtering, "discard", stage, recipient, STR("milter triggers DISCARD action"));
        message->flags |= CLEANUP_FLAG_DISCARD;
        return false;
    case MILTER_REJECT:
    case MILTER_SHUTDOWN:
        log_verdict(filtering, "reject", stage, recipient, str_from(verdict->reply, 4));
        refuse(message, verdict->reply);
        return false;
    }
    return false;
}

static struct str last_recipient(const struct message *message)
{
    return message->last_recipient;
}

/* ---- the content for one milter ---- */

static bool fail_reading(struct filtering *filtering, const struct failure *why)
{
    message_fail_writing(filtering->message, why);
    return false;
}

/* The verdict of the first event that ends it; CONTINUE and HOLD do not. */
static bool goes_on(struct filtering *filtering, const struct milter_verdict *verdict)
{
    arena_reset(filtering->arena);
    if (verdict->action == MILTER_CONTINUE)
        return true;
    return filtering_obey(filtering, verdict, "END-OF-MESSAGE", last_recipient(filtering->message));
}

static bool tell_header(struct filtering *filtering, struct milter *milter)
{
    struct milter_verdict verdict;
    struct str name, value;
    size_t offset = 0;

    while (milter_wants_headers(milter) && content_edit_next_field(&filtering->edit, &offset, &name, &value)) {
        verdict = milter_header(milter, name, value, filtering->arena);
        if (!goes_on(filtering, &verdict))
            return false;
    }
    verdict = milter_end_of_headers(milter, filtering->arena);
    return goes_on(filtering, &verdict);
}

static bool tell_body(struct filtering *filtering, struct milter *milter)
{
    struct failure why;
    uint64_t offset = 0;
    struct str piece;

    while (milter_wants_body(milter)) {
        struct milter_verdict verdict;

        if (!content_edit_read_body(&filtering->edit, &offset, &piece, &why))
            return fail_reading(filtering, &why);
        if (piece.len == 0)
            break;
        verdict = milter_body(milter, piece, filtering->arena);
        if (!goes_on(filtering, &verdict))
            return false;
    }
    return true;
}

/* ---- what it changes ---- */

static void keep_envelope(struct filtering *filtering)
{
    const struct message *message = filtering->message;
    const struct envelope *envelope = &message->envelope;

    filtering->kept.sender = envelope->sender;
    filtering->kept.envid = envelope->dsn_envid;
    filtering->kept.dsn_return = envelope->dsn_return;
    filtering->kept.content_filter = envelope->content_filter;
    filtering->kept.redirect = message->redirect;
    filtering->kept.copies = message->copies.count;
    filtering->kept.flags = envelope->flags;
    filtering->kept.hold_stage = filtering->hold_stage;
    filtering->kept.recipients = NULL;
}

/* They may be many, and few milters change them. */
void filtering_keep_recipients(struct filtering *filtering)
{
    const struct message *message = filtering->message;
    const struct envelope *envelope = &message->envelope;

    if (filtering->kept.recipients != NULL)
        return;
    filtering->kept.count = envelope->recipient_count;
    filtering->kept.recipients =
        arena_new_array(message->arena, envelope->recipient_count + 1, struct envelope_recipient);
    if (envelope->recipient_count > 0)
        memcpy(filtering->kept.recipients, envelope->recipients,
               envelope->recipient_count * sizeof *envelope->recipients);
}

/* A milter that failed has changed nothing. */
static void undo(struct filtering *filtering)
{
    struct message *message = filtering->message;
    struct envelope *envelope = &message->envelope;

    content_edit_undo(&filtering->edit);
    envelope->sender = filtering->kept.sender;
    envelope->dsn_envid = filtering->kept.envid;
    envelope->dsn_return = filtering->kept.dsn_return;
    envelope->content_filter = filtering->kept.content_filter;
    envelope->flags = filtering->kept.flags;
    filtering->hold_stage = filtering->kept.hold_stage;
    message->redirect = filtering->kept.redirect;
    message->copies.count = filtering->kept.copies;
    if (filtering->kept.recipients != NULL)
        recipients_restore(message, filtering->kept.recipients, filtering->kept.count);
}

static bool take_changes(struct filtering *filtering, struct milter *milter)
{
    struct message *message = filtering->message;
    struct milter_change change;
    struct failure why;

    milter_end_of_message(milter);
    keep_envelope(filtering);
    for (;;) {
        arena_reset(filtering->arena);
        milter_next_change(milter, filtering->arena, &change);
        if (change.kind == MILTER_CHANGE_NONE)
            break;
        filtering_change(filtering, &change);
        if (message_is_good(message) && (message->flags & CLEANUP_FLAG_DISCARD) == 0)
            continue;
        milter_abort(milter);
        return false;
    }
    if (milter_is_broken(milter))
        undo(filtering);
    else if (!content_edit_keep(&filtering->edit, &why))
        return fail_reading(filtering, &why);
    return filtering_obey(filtering, &change.verdict, "END-OF-MESSAGE", last_recipient(message));
}

static bool ask(struct filtering *filtering, struct milter *milter)
{
    if (milter_wants_content(milter) && (!tell_header(filtering, milter) || !tell_body(filtering, milter)))
        return false;
    return take_changes(filtering, milter);
}

/* ---- all of it ---- */

static bool open_content(struct filtering *filtering, struct failure *why)
{
    struct message *message = filtering->message;
    struct content_edit_options options = {
        .journal = message->service->journal,
        .id = message->id,
        .memory_limit = (size_t) message->service->settings->spool_inline_limit,
        .content = &message->content,
        .file = &message->file,
        .header_bytes = message->header_bytes,
    };

    return content_edit_open(&filtering->edit, &options, why);
}

/* What the envelope knows of the header. */
static void note_header(struct message *message, struct str header)
{
    struct header_field field;

    message->has_utf8_header = !domain_is_ascii(header);
    if (header_find_field(header, STR("Message-Id"), &field))
        message->envelope.message_id = arena_str(message->arena, str_trim(field.value));
}

/* The result is written like a message that comes. */
static bool write_result(struct filtering *filtering, struct failure *why)
{
    struct message *message = filtering->message;
    uint64_t offset = 0;
    struct str piece;

    if (!content_edit_give_up_name(&filtering->edit, why))
        return false;
    message_write_anew(message);
    while (message_is_good(message)) {
        if (!content_edit_read_all(&filtering->edit, &offset, &piece, why))
            return false;
        if (piece.len == 0)
            break;
        message_write(message, piece);
    }
    note_header(message, strbuf_str(&filtering->edit.header));
    return true;
}

static void close_content(struct filtering *filtering)
{
    struct message *message = filtering->message;
    struct failure why;

    if (message_is_good(message) && (message->flags & CLEANUP_FLAG_DISCARD) == 0) {
        if (!filtering->edit.is_changed)
            content_edit_return(&filtering->edit, &message->content, &message->file);
        else if (!write_result(filtering, &why))
            message_fail_writing(message, &why);
    }
    content_edit_done(&filtering->edit);
}

static void ask_all(struct filtering *filtering)
{
    struct failure why;

    if (!message_gather_content(filtering->message))
        return;
    if (!open_content(filtering, &why)) {
        if (why.kind == FAILURE_PERMANENT)
            message_fail(filtering->message, CLEANUP_TOO_BIG, STR("5.3.4"), STR("message header exceeds size limit"));
        else
            message_fail_writing(filtering->message, &why);
    } else {
        for (size_t i = 0; i < milters_count(filtering->milters); i++) {
            if (!ask(filtering, milters_at(filtering->milters, i)))
                break;
        }
    }
    close_content(filtering);
}

/* Told at the end, for a message that is refused after all is not held. */
static void hold(struct filtering *filtering)
{
    struct message *message = filtering->message;

    if (filtering->hold_stage == NULL || !message_is_good(message) || (message->flags & CLEANUP_FLAG_DISCARD) != 0)
        return;
    if ((message->envelope.flags & ENVELOPE_HOLD) == 0)
        log_verdict(filtering, "hold", filtering->hold_stage, last_recipient(message),
                    STR("milter triggers HOLD action"));
    message->envelope.flags |= ENVELOPE_HOLD;
}

/* Those that milters have deleted all of are nobody's any more, as in Postfix. */
static void settle_recipients(struct filtering *filtering)
{
    struct message *message = filtering->message;

    if (!message_is_good(message) || message->envelope.recipient_count > 0)
        return;
    if ((message->flags & CLEANUP_FLAG_DISCARD) == 0)
        log_verdict(filtering, "discard", "END-OF-MESSAGE", last_recipient(message),
                    STR("milter deletes all recipients"));
    message->flags |= CLEANUP_FLAG_DISCARD;
}

void filtering_run(struct message *message)
{
    if (message->passes_milters || !message_is_good(message))
        return;
    if (message->filtering == NULL && (message->flags & CLEANUP_FLAG_MILTERS) != 0 &&
        message->service->milters.count > 0) {
        message->filtering = create(message, NULL);
        message->filtering->milters = filtering_connect(message->filtering);
    }
    if (message->filtering == NULL)
        return;
    if (message->filtering->is_borrowed || filtering_simulate(message->filtering))
        ask_all(message->filtering);
    if (!message->filtering->is_borrowed)
        milters_quit(message->filtering->milters);
    settle_recipients(message->filtering);
    hold(message->filtering);
}
