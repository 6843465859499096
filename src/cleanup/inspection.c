/* SPDX-License-Identifier: Apache-2.0 */
#include "cleanup/inspection.h"

#include "cleanup/log_lines.h"
#include "cleanup/service.h"
#include "mail/domain.h"

void inspection_open(struct service *service, struct table_set *tables, struct arena *arena)
{
    const struct cleanup_settings *settings = service->settings;
    const struct checks_options options = {
        .tables = {
            [CHECKS_HEADER] = { STR("header_checks"), settings->header_checks },
            [CHECKS_MIME_HEADER] = { STR("mime_header_checks"), settings->mime_header_checks },
            [CHECKS_NESTED_HEADER] = { STR("nested_header_checks"), settings->nested_header_checks },
            [CHECKS_BODY] = { STR("body_checks"), settings->body_checks },
        },
        .actions = CHECKS_ACTIONS_ALL,
        .body_size_limit = (uint64_t) settings->body_checks_size_limit,
    };

    service->checks = checks_open(tables, &options, arena);
    character_set_parse(&service->rejected_characters, settings->message_reject_characters);
    character_set_parse(&service->stripped_characters, settings->message_strip_characters);
    service->findings = MIME_FINDING_NESTING;
    if (settings->strict_7bit_headers || settings->strict_8bitmime)
        service->findings |= MIME_FINDING_8BIT_HEADER;
    if (settings->strict_8bitmime_body || settings->strict_8bitmime)
        service->findings |= MIME_FINDING_8BIT_BODY;
    if (settings->strict_mime_encoding_domain)
        service->findings |= MIME_FINDING_ENCODING_DOMAIN;
}

/* One rule's order about one field or line. */
struct order {
    struct message *message;
    enum checks_class class;
    struct str *text;
    struct checks_verdict verdict;
};

/* ---- telling of it ---- */

struct log_origin inspection_origin(const struct message *message)
{
    const struct envelope *envelope = &message->envelope;

    return (struct log_origin){
        .client = envelope_attribute(envelope, STR("log_message_origin")),
        .sender = envelope->sender,
        .recipient = message->last_recipient,
        .protocol = envelope->log_protocol,
        .helo = envelope->log_helo,
    };
}

static void tell(const struct order *order, struct str words)
{
    const struct log_origin origin = inspection_origin(order->message);

    log_inspection(order->message->queue_id, checks_action_word(order->verdict.action), checks_class_word(order->class),
                   *order->text, &origin, words);
}

/* ---- what refuses ---- */

/* Fails the message now, or at its end where the rest of it is still of interest. */
static void refuse(struct message *message, struct str dsn, struct str reason)
{
    if ((message->flags & CLEANUP_FLAG_BOUNCE) == 0) {
        message_fail(message, CLEANUP_REJECTED, dsn, reason);
        return;
    }
    if (message->late.dsn.len > 0)
        return;
    message->late = (struct late_refusal){ arena_str(message->arena, dsn), arena_str(message->arena, reason) };
}

static bool reject(struct order *order)
{
    struct message *message = order->message;
    struct str reason = order->verdict.text.len > 0 ? order->verdict.text : STR("message content rejected");

    tell(order, arena_printf(message->scratch, "%.*s %.*s", STR_ARG(order->verdict.dsn), STR_ARG(reason)));
    refuse(message, order->verdict.dsn, reason);
    return message_is_good(message);
}

static bool defer(struct order *order)
{
    struct message *message = order->message;

    log_checks_problem(message->queue_id, checks_title(message->service->checks, order->class),
                       order->verdict.complaint);
    message_fail(message, CLEANUP_WRITE_ERROR, STR_EMPTY, STR_EMPTY);
    return false;
}

void inspection_finding(struct message *message, enum mime_finding finding, struct str text)
{
    const struct log_origin origin = inspection_origin(message);

    log_mime_error(message->queue_id, mime_finding_text(finding), text, &origin);
    message->findings |= (unsigned) finding;
}

void inspection_conclude(struct message *message)
{
    static const enum mime_finding by_weight[] = { MIME_FINDING_NESTING, MIME_FINDING_8BIT_HEADER,
                                                   MIME_FINDING_8BIT_BODY, MIME_FINDING_ENCODING_DOMAIN };

    if (message->late.dsn.len > 0)
        message_fail(message, CLEANUP_REJECTED, message->late.dsn, message->late.reason);
    for (size_t i = 0; i < ARRAY_COUNT(by_weight); i++) {
        if ((message->findings & (unsigned) by_weight[i]) != 0)
            message_fail(message, CLEANUP_REJECTED, STR("5.6.0"), mime_finding_text(by_weight[i]));
    }
}

void inspection_bad_character(struct message *message, struct str begun)
{
    const struct log_origin origin = inspection_origin(message);

    (void) str_cut(begun, '\n', &begun, &(struct str){ 0 });
    log_inspection(message->queue_id, "reject", "content", begun, &origin, STR("5.7.1 disallowed character"));
    refuse(message, STR("5.7.1"), STR("disallowed character"));
}

/* ---- what orders ---- */

static bool discard(struct order *order)
{
    tell(order, order->verdict.text);
    order->message->flags |= CLEANUP_FLAG_DISCARD;
    return false;
}

static bool hold(struct order *order)
{
    if ((order->message->envelope.flags & ENVELOPE_HOLD) == 0)
        tell(order, order->verdict.text);
    order->message->envelope.flags |= ENVELOPE_HOLD;
    return true;
}

static bool pass(struct order *order)
{
    tell(order, order->verdict.text);
    order->message->flags &= ~(unsigned) (CLEANUP_FLAG_FILTER | CLEANUP_FLAG_MILTERS);
    order->message->passes_milters = true;
    return true;
}

static bool note(struct order *order)
{
    tell(order, order->verdict.text);
    return true;
}

static bool ignore(struct order *order)
{
    (void) order;
    return false;
}

static bool strip(struct order *order)
{
    tell(order, order->verdict.text);
    return false;
}

static bool prepend(struct order *order)
{
    struct message *message = order->message;

    tell(order, order->verdict.text);
    message_write(message, order->verdict.text);
    message_write(message, STR("\n"));
    if (order->class == CHECKS_HEADER && !domain_is_ascii(order->verdict.text))
        message->has_utf8_header = true;
    return true;
}

static bool replace(struct order *order)
{
    tell(order, order->verdict.text);
    *order->text = order->verdict.text;
    return true;
}

static bool add_copy(struct order *order)
{
    tell(order, order->verdict.text);
    strlist_add(&order->message->copies, order->message->arena, order->verdict.text);
    return true;
}

/* Nothing that follows changes the way of the message: it is not asked. */
static bool redirect(struct order *order)
{
    tell(order, order->verdict.text);
    order->message->flags &= ~(unsigned) CLEANUP_FLAG_FILTER;
    order->message->inspected.redirect = arena_str(order->message->arena, order->verdict.text);
    return true;
}

static bool filter(struct order *order)
{
    tell(order, order->verdict.text);
    order->message->inspected.content_filter = arena_str(order->message->arena, order->verdict.text);
    return true;
}

/* Whether the text goes on. */
static bool (*const obey[])(struct order *order) = {
    [CHECKS_BCC] = add_copy,      [CHECKS_DISCARD] = discard, [CHECKS_FILTER] = filter,   [CHECKS_HOLD] = hold,
    [CHECKS_IGNORE] = ignore,     [CHECKS_INFO] = note,       [CHECKS_PASS] = pass,       [CHECKS_PREPEND] = prepend,
    [CHECKS_REDIRECT] = redirect, [CHECKS_REJECT] = reject,   [CHECKS_REPLACE] = replace, [CHECKS_STRIP] = strip,
    [CHECKS_WARN] = note,         [CHECKS_UNKNOWN] = defer,
};

static bool carry_out(struct order *order)
{
    if (order->verdict.action == CHECKS_UNKNOWN)
        return defer(order);
    if (order->verdict.complaint.len > 0)
        log_bad_rule(order->verdict.complaint);
    return order->verdict.action == CHECKS_NONE || obey[order->verdict.action](order);
}

bool inspection_field(struct message *message, enum checks_class class, struct str *text)
{
    struct order order = { .message = message, .class = class, .text = text };

    order.verdict = checks_header(message->service->checks, class, *text, message->scratch);
    return carry_out(&order);
}

bool inspection_line(struct message *message, struct str *text, uint64_t offset)
{
    struct order order = { .message = message, .class = CHECKS_BODY, .text = text };

    order.verdict = checks_body(message->service->checks, *text, offset, message->scratch);
    return carry_out(&order);
}
