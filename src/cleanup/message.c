/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/message.h"

#include "base/map.h"
#include "cleanup/filtering.h"
#include "cleanup/headers.h"
#include "cleanup/inspection.h"
#include "cleanup/log_lines.h"
#include "cleanup/recipients.h"
#include "cleanup/rewriter.h"
#include "cleanup/service.h"
#include "mail/domain.h"
#include "mail/header.h"
#include "run/fiber.h"
#include "spool/envelope_attributes.h"

/* Room for most mail at once: content comes in pieces. */
enum { USUAL_SIZE = 8000, LOOKS_A_CLOCK = 16, TURN_US = 10 * 1000 };

void message_init(struct message *message, struct service *service, struct arena *arena, unsigned flags)
{
    *message = (struct message){ .service = service, .arena = arena, .flags = flags };
    message->scratch = arena_create();
    strbuf_init(&message->content, STRBUF_UNLIMITED);
    strbuf_reserve(&message->content, USUAL_SIZE);
    strange_characters_init(&message->strange, &service->rejected_characters, &service->stripped_characters);
}

void message_done(struct message *message)
{
    filtering_done(&message->filtering);
    journal_file_abandon(&message->file);
    map_destroy(&message->duplicates);
    mime_parser_destroy(&message->mime);
    strange_characters_done(&message->strange);
    strbuf_done(&message->content);
    arena_destroy(&message->scratch);
}

void message_fail(struct message *message, enum cleanup_status status, struct str dsn, struct str reason)
{
    if (message->status != CLEANUP_OK)
        return;
    message->status = status;
    message->dsn = arena_str(message->arena, dsn);
    message->reason = arena_str(message->arena, reason);
}

void message_fail_writing(struct message *message, const struct failure *why)
{
    log_write_problem(message->queue_id, why->text);
    message_fail(message, why->kind == FAILURE_NO_SPACE ? CLEANUP_NO_SPACE : CLEANUP_WRITE_ERROR, STR_EMPTY, STR_EMPTY);
}

void message_defer(struct message *message)
{
    message_fail(message, CLEANUP_DEFERRED, STR("4.3.0"), STR("Error: queue file write error"));
}

void message_fail_mapping(struct message *message, enum mapping_result result)
{
    if (result == MAPPING_UNREASONABLE)
        message_fail(message, CLEANUP_DEFERRED, STR("4.6.0"), STR("Alias expansion error"));
    else
        message_defer(message);
}

struct mapping_context message_mapping_context(const struct message *message, struct arena *arena)
{
    return (struct mapping_context){ .queue_id = message->queue_id, .arena = arena };
}

bool message_begin(struct message *message)
{
    struct journal_writer *journal = message->service->journal;
    bool is_inside = (message->flags & CLEANUP_FLAG_INTERNAL) != 0;
    char text[QUEUE_ID_TEXT_SIZE];
    struct failure why;

    message->queue_id = STR("NOQUEUE");
    if (journal == NULL) {
        message_fail(message, CLEANUP_STOPPED, STR_EMPTY, STR("the journal is not open"));
        return false;
    }
    if (!journal_writer_may_accept(journal, is_inside, &why) || !journal_writer_new_id(journal, &message->id, &why)) {
        message_fail_writing(message, &why);
        message->reason = arena_str(message->arena, str_from_c(why.text));
        return false;
    }
    message->queue_id = arena_str(message->arena, queue_id_format(message->id, text));
    return true;
}

/* ---- envelope ---- */

static void set_attribute(struct message *message, struct str name, struct str value)
{
    if (envelope_attribute_place(&message->envelope, message->arena, name, value))
        return;
    if (str_equal(name, STR("rewrite_context"))) {
        message->has_local_context = str_equal(value, STR("local"));
        return;
    }
    envelope_add_attribute(&message->envelope, message->arena, name, value);
}

static unsigned envelope_flags(const struct message *message)
{
    unsigned flags = 0;

    if (message->flags & CLEANUP_FLAG_HOLD)
        flags |= ENVELOPE_HOLD;
    if (message->flags & CLEANUP_FLAG_INTERNAL)
        flags |= ENVELOPE_INSIDE;
    if (message->flags & CLEANUP_FLAG_SMTPUTF8)
        flags |= ENVELOPE_SMTPUTF8;
    if (message->flags & CLEANUP_FLAG_TRACE_VERIFY)
        flags |= ENVELOPE_TRACE_VERIFY;
    if (message->flags & CLEANUP_FLAG_TRACE_RECORD)
        flags |= ENVELOPE_TRACE_RECORD;
    if (message->flags & CLEANUP_FLAG_PROBE)
        flags |= ENVELOPE_PROBE;
    return flags;
}

void message_set_sender(struct message *message, struct str sender)
{
    struct mapping_context context = message_mapping_context(message, message->arena);
    enum mapping_result result = MAPPING_DONE;
    struct failure why;

    if (!rewriter_standardize(message->service->rewriter, true, &sender, 1, message->arena, &why)) {
        log_rewrite_problem(message->queue_id, why.text);
        message_defer(message);
        return;
    }
    if (message->flags & CLEANUP_FLAG_MAP_OK)
        result = mapping_canonical(message->service->mapping, &context, MAPPING_ENVELOPE_SENDER, &sender);
    if (result != MAPPING_DONE)
        message_fail_mapping(message, result);
    message->envelope.sender = arena_str(message->arena, sender);
}

void message_set_envelope(struct message *message, const struct cleanup_envelope *envelope)
{
    struct envelope *own = &message->envelope;

    message->has_envelope = true;
    message->full_name = arena_str(message->arena, envelope->full_name);
    own->id = message->id;
    own->arrival = envelope->arrival;
    own->dsn_envid = arena_str(message->arena, envelope->envid);
    own->dsn_return = (enum dsn_return) envelope->dsn_return;
    own->flags = envelope_flags(message);
    if (envelope->encoding == BODY_ENCODING_8BIT)
        own->flags |= ENVELOPE_BODY_8BIT;
    else if (envelope->encoding == BODY_ENCODING_7BIT)
        own->flags |= ENVELOPE_BODY_7BIT;
    for (size_t i = 0; i < envelope->attributes.count; i++) {
        struct str name, value;

        if (str_cut(envelope->attributes.items[i], '=', &name, &value))
            set_attribute(message, name, value);
    }
    own->rewrite = message->has_local_context ? ENVELOPE_REWRITE_LOCAL : ENVELOPE_REWRITE_REMOTE;
    message->rewrites_headers =
        message->has_local_context || message->service->settings->remote_header_rewrite_domain.len > 0;
    message_set_sender(message, envelope->sender);
}

void message_take_orders(struct message *message, const struct cleanup_orders *orders)
{
    struct arena *arena = message->arena;

    message->flags |= (unsigned) orders->flags & (CLEANUP_FLAG_HOLD | CLEANUP_FLAG_DISCARD);
    message->envelope.flags |= envelope_flags(message);
    if (orders->content_filter.len > 0)
        message->envelope.content_filter = arena_str(arena, orders->content_filter);
    message->redirect = arena_str(arena, orders->redirect);
    for (size_t i = 0; i < orders->copies.count; i++)
        strlist_add(&message->copies, arena, orders->copies.items[i]);
}

/* ---- content ---- */

static void spill_content(struct message *message)
{
    struct failure why;

    if (message->file == NULL && !journal_file_begin(message->service->journal, message->id, &message->file, &why)) {
        message_fail_writing(message, &why);
        return;
    }
    if (!journal_file_write(message->file, strbuf_str(&message->content), &why)) {
        message_fail_writing(message, &why);
        journal_file_abandon(&message->file);
    }
    strbuf_clear(&message->content);
}

/* Lines end with LF in here, so a CR is a stray one: some peer would take it for a line end. */
static void replace_stray_cr(char *text, size_t len)
{
    char *found;

    while (len > 0 && (found = memchr(text, '\r', len)) != NULL) {
        *found = ' ';
        len -= (size_t) (found - text) + 1;
        text = found + 1;
    }
}

/* What is made inside wraps or forwards what was taken before; what pickup brings goes back if it is refused. */
static bool is_from_outside(const struct message *message)
{
    return (message->flags & (CLEANUP_FLAG_INTERNAL | CLEANUP_FLAG_BOUNCE)) != CLEANUP_FLAG_INTERNAL;
}

void message_write(struct message *message, struct str bytes)
{
    const struct service *service = message->service;
    int64_t limit = service->shared->message_size_limit;

    if (!message_is_good(message))
        return;
    message->content_bytes += bytes.len;
    message->envelope.content_lines += str_count_char(bytes, '\n');
    if (limit > 0 && message->content_bytes > (uint64_t) limit && !message->is_edited && is_from_outside(message)) {
        message_fail(message, CLEANUP_TOO_BIG, STR_EMPTY, STR_EMPTY);
        strbuf_done(&message->content);
        journal_file_abandon(&message->file);
        return;
    }
    if (!message->has_8bit && !domain_is_ascii(bytes))
        message->has_8bit = true;
    strbuf_append(&message->content, bytes);
    if (service->settings->replaces_stray_cr)
        replace_stray_cr(message->content.data + message->content.len - bytes.len, bytes.len);
    if (message->content.len > (size_t) service->settings->spool_inline_limit)
        spill_content(message);
}

bool message_gather_content(struct message *message)
{
    if (message->file != NULL && message->content.len > 0)
        spill_content(message);
    return message_is_good(message);
}

void message_write_anew(struct message *message)
{
    strbuf_clear(&message->content);
    message->is_edited = true;
    message->content_bytes = 0;
    message->envelope.content_lines = 0;
    message->has_8bit = false;
}

static enum checks_class class_of(const struct mime_event *event)
{
    if (event->is_mime_field || event->place == MIME_PART)
        return CHECKS_MIME_HEADER;
    return event->place == MIME_NESTED ? CHECKS_NESTED_HEADER : CHECKS_HEADER;
}

/* What BODY= would have said, had the client said it. */
static void note_encoding(struct message *message, struct str field)
{
    size_t name = header_name_length(field);
    struct str value = str_trim(str_from(field, str_find_char(field, ':') + 1));

    if (message->service->settings->detect_8bit_encoding_header &&
        str_equal_nocase(str_part(field, 0, name), STR("Content-Transfer-Encoding")) &&
        (str_equal_nocase(value, STR("8bit")) || str_equal_nocase(value, STR("binary"))))
        message->declares_8bit = true;
}

static void take_field(struct message *message, const struct mime_event *event)
{
    struct str field = event->text;

    note_encoding(message, field);
    if (event->place == MIME_PRIMARY) {
        headers_take(message, field, class_of(event));
        return;
    }
    if (!inspection_is_on(message) || inspection_field(message, class_of(event), &field)) {
        message_write(message, field);
        message_write(message, STR("\n"));
        if (message->has_8bit && !event->may_be_encoded && !domain_is_ascii(field))
            message->has_utf8_header = true;
    }
    arena_reset(message->scratch);
}

static void take_header_end(struct message *message, const struct mime_event *event)
{
    if (event->place == MIME_PRIMARY)
        headers_end(message, event->text);
    else
        message_write(message, event->text);
}

static void take_body(struct message *message, const struct mime_event *event)
{
    struct str line = event->text;

    if (inspection_is_on(message) && checks_has(message->service->checks, CHECKS_BODY)) {
        if (inspection_line(message, &line, event->offset)) {
            message_write(message, line);
            if (event->ends_line)
                message_write(message, STR("\n"));
        }
        arena_reset(message->scratch);
        return;
    }
    message_write(message, line);
    if (event->ends_line)
        message_write(message, STR("\n"));
}

/* Mail that nobody judges is taken however deep its parts are nested. */
static unsigned findings_of(const struct message *message)
{
    const struct service *service = message->service;
    bool is_inspected = (message->flags & CLEANUP_FLAG_FILTER) != 0;
    bool is_judged = checks_has_any(service->checks) || service->findings != MIME_FINDING_NESTING;

    return is_inspected && is_judged ? service->findings : 0;
}

static void open_parser(struct message *message)
{
    const struct service *service = message->service;
    const struct shared_settings *shared = service->shared;
    bool is_inspected = (message->flags & CLEANUP_FLAG_FILTER) != 0;
    const struct mime_options options = {
        .header_size_limit = (size_t) shared->header_size_limit,
        .line_limit = (size_t) shared->line_length_limit,
        .boundary_limit = (size_t) shared->mime_boundary_length_limit,
        .nesting_limit = (size_t) shared->mime_nesting_limit,
        .ignores_mime = service->settings->disable_mime_input_processing,
        .encodes_8bit = service->settings->force_mime_input_conversion,
        .needs_no_lines = !is_inspected || !checks_has(service->checks, CHECKS_BODY),
        .findings = findings_of(message),
    };

    message->mime = mime_parser_create(&options);
}

static bool is_wanted(const struct message *message)
{
    return message_is_good(message) && (message->flags & CLEANUP_FLAG_DISCARD) == 0;
}

/* Rules take their time, more of it if somebody makes lines for it: others come to their turn meanwhile. */
static void give_way(const struct message *message, unsigned looks, struct instant *turn)
{
    if (looks % LOOKS_A_CLOCK != 0 || !inspection_is_on(message) || !checks_has_any(message->service->checks))
        return;
    if (instant_since(clock_monotonic(), *turn).us < TURN_US)
        return;
    fiber_yield(message->service->loop);
    *turn = clock_monotonic();
}

static void take_events(struct message *message, struct str bytes, bool is_last)
{
    struct instant turn = clock_monotonic();
    unsigned looks = 0;
    struct mime_event event;

    if (message->mime == NULL)
        open_parser(message);
    while (is_wanted(message) && mime_parser_next(message->mime, &bytes, is_last, &event) != MIME_MORE) {
        switch (event.type) {
        case MIME_FIELD:
            take_field(message, &event);
            break;
        case MIME_HEADER_END:
            take_header_end(message, &event);
            break;
        case MIME_BODY:
            take_body(message, &event);
            break;
        case MIME_FINDING:
            inspection_finding(message, event.finding, event.text);
            break;
        case MIME_MORE:
            break;
        }
        give_way(message, ++looks, &turn);
    }
}

/* Stray CRs go before anybody looks: what is checked is what is kept. */
static void take_content(struct message *message, struct str bytes, bool is_last)
{
    struct strbuf copy;

    if (!message->service->settings->replaces_stray_cr || !str_contains_char(bytes, '\r')) {
        take_events(message, bytes, is_last);
        return;
    }
    strbuf_init(&copy, STRBUF_UNLIMITED);
    strbuf_append(&copy, bytes);
    replace_stray_cr(copy.data, copy.len);
    take_events(message, strbuf_str(&copy), is_last);
    strbuf_done(&copy);
}

/* Line by line: a rule may end the inspection of what follows. */
static void take_strange_content(struct message *message, struct str bytes)
{
    struct strange_characters *strange = &message->strange;
    struct str line;

    while (bytes.len > 0 && is_wanted(message) && inspection_is_on(message)) {
        bool has_rejected = strange_characters_take(strange, &bytes, &line);

        if (has_rejected)
            inspection_bad_character(message, strbuf_str(&strange->begun));
        if (is_wanted(message))
            take_content(message, line, false);
    }
    if (is_wanted(message))
        take_content(message, bytes, false);
}

void message_add_content(struct message *message, struct str bytes)
{
    if (message->pending_count > 0)
        recipients_flush(message);
    if (inspection_is_on(message) && strange_characters_are_looked_for(&message->strange))
        take_strange_content(message, bytes);
    else if (is_wanted(message))
        take_content(message, bytes, false);
}

/* ---- the end ---- */

static bool is_utf8_address(struct str address)
{
    return !domain_is_ascii(address) && domain_is_utf8(address);
}

static bool has_utf8_address(const struct message *message)
{
    const struct envelope *envelope = &message->envelope;
    bool has_one = is_utf8_address(envelope->sender);

    for (size_t i = 0; i < envelope->recipient_count && !has_one; i++)
        has_one = is_utf8_address(envelope->recipients[i].address);
    return has_one;
}

/* What the message has become needs SMTPUTF8 of the next hop, whoever asked for it or not. */
static void find_utf8(struct message *message)
{
    struct envelope *envelope = &message->envelope;

    if (!message->service->shared->smtputf8_enable ||
        !(message->flags & (CLEANUP_FLAG_SMTPUTF8 | CLEANUP_FLAG_AUTOUTF8)))
        return;
    if (message->has_utf8_header)
        envelope->flags |= ENVELOPE_SMTPUTF8 | ENVELOPE_SMTPUTF8_HEADER;
    else if (!(envelope->flags & ENVELOPE_SMTPUTF8) && has_utf8_address(message))
        envelope->flags |= ENVELOPE_SMTPUTF8;
}

static void make_durable(struct message *message)
{
    struct journal_writer *journal = message->service->journal;
    struct failure why;
    bool is_durable;

    if (message->file == NULL) {
        is_durable = journal_writer_accept(journal, &message->envelope, strbuf_str(&message->content), &why);
    } else {
        spill_content(message);
        if (!message_is_good(message))
            return;
        message->envelope.content_size = message->content_bytes;
        is_durable = journal_file_finish(&message->file, &message->envelope, &why);
    }
    if (!is_durable)
        message_fail_writing(message, &why);
}

/* What the checks of the content ordered, after what the client did. */
static void take_inspected(struct message *message)
{
    if (message->inspected.redirect.len > 0)
        message->redirect = message->inspected.redirect;
    if (message->inspected.content_filter.len > 0)
        message->envelope.content_filter = message->inspected.content_filter;
}

void message_finish(struct message *message)
{
    if (!message->has_envelope)
        message_fail(message, CLEANUP_BAD, STR_EMPTY, STR_EMPTY);
    if (message->flags & CLEANUP_FLAG_DISCARD)
        return;
    recipients_flush(message);
    take_content(message, STR_EMPTY, true);
    if (message->flags & CLEANUP_FLAG_DISCARD)
        return;
    take_inspected(message);
    if (message->flags & CLEANUP_FLAG_EXTRACT)
        recipients_add_extracted(message);
    if (message_is_good(message) && message->envelope.recipient_count == 0)
        message_fail(message, CLEANUP_NO_RECIPIENTS, STR_EMPTY, STR_EMPTY);
    recipients_add_bcc(message);
    recipients_redirect(message);
    inspection_conclude(message);
    filtering_run(message);
    if (!is_wanted(message))
        return;
    if (message->redirect.len > 0) /* REDIRECT outranks FILTER, and what main.cf says */
        message->envelope.content_filter = STR_EMPTY;
    find_utf8(message);
    if (message->declares_8bit)
        message->envelope.flags |= ENVELOPE_BODY_8BIT;
    if (message->has_8bit || (message->envelope.flags & ENVELOPE_BODY_8BIT) != 0)
        message->envelope.flags &= ~(unsigned) ENVELOPE_BODY_7BIT;
    message->envelope.encoding = message->has_8bit ? STR("8bit") : STR("7bit");
    make_durable(message);
}
