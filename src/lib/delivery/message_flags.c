/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/message_flags.h"

#include "delivery/agent.h"
#include "delivery/command_attributes.h"
#include "delivery/loop_check.h"
#include "log/log.h"
#include "mail/quote.h"

/* ---- the words ---- */

static bool take_letter(char letter, unsigned *flags)
{
    static const struct {
        char letter;
        enum command_flag flag;
    } rows[] = {
        { 'D', COMMAND_DELIVERED_TO },
        { 'O', COMMAND_ORIGINAL_TO },
        { 'R', COMMAND_RETURN_PATH },
        { 'X', COMMAND_IS_FINAL },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].letter == letter) {
            *flags |= (unsigned) rows[i].flag;
            return true;
        }
    }
    return letter == ' ' || letter == '\t' || letter == ',';
}

bool message_flags_parse(const struct strlist *words, unsigned *flags_out, struct failure *why)
{
    unsigned flags = 0;

    for (size_t i = 0; i < words->count; i++) {
        struct str name, value;

        if (!str_cut(words->items[i], '=', &name, &value) || !str_equal(name, STR("flags")))
            return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown attribute name: %.*s", STR_ARG(words->items[i]));
        for (size_t j = 0; j < value.len; j++) {
            if (!take_letter(value.data[j], &flags))
                return failure_set(why, FAILURE_CONFIGURATION, 0, "unknown flag: %c", value.data[j]);
        }
    }
    *flags_out = flags;
    return true;
}

/* ---- deliveries that do not begin ---- */

static void report_all(struct delivery *delivery, struct str service, struct delivery_report *report)
{
    report->relay = service;
    for (size_t i = 0; i < delivery->recipient_count; i++) {
        if (report->dsn.class == 4)
            delivery_deferred(delivery, i, report);
        else
            delivery_bounced(delivery, i, report);
    }
}

/* These headers are about one recipient. */
static bool has_too_many_recipients(struct delivery *delivery, unsigned flags, const char *who, struct str service)
{
    char letter = (flags & COMMAND_DELIVERED_TO) != 0 ? 'D' : (flags & COMMAND_ORIGINAL_TO) != 0 ? 'O' : '\0';
    struct delivery_report report = { .dsn = DSN_STATUS(4, 3, 5), .text = STR("mail system configuration error") };

    if (letter == '\0' || delivery->recipient_count == 1)
        return false;
    log_warning("%sflag `%c' requires %.*s_destination_recipient_limit = 1", who, letter, STR_ARG(service));
    report_all(delivery, service, &report);
    return true;
}

/* Only D leaves the mark by which it is known. */
static bool has_been_here(struct delivery *delivery, unsigned flags, struct str service)
{
    struct str address = delivery->recipients[0].address;
    struct delivery_report report = { .dsn = DSN_STATUS(5, 4, 6) };
    struct failure why;
    bool is_loop;

    if ((flags & COMMAND_DELIVERED_TO) == 0)
        return false;
    if (!loop_check(delivery->loop, delivery->request, address, &is_loop, &why)) {
        report.dsn = DSN_STATUS(4, 3, 0);
        report.text = arena_printf(delivery->arena, "cannot read the message: %s", why.text);
    } else if (is_loop) {
        report.text = arena_printf(delivery->arena, "mail forwarding loop for %.*s", STR_ARG(address));
    } else {
        return false;
    }
    report_all(delivery, service, &report);
    return true;
}

bool message_flags_end_delivery(struct delivery *delivery, unsigned flags, const char *who, struct str service)
{
    return has_too_many_recipients(delivery, flags, who, service) || has_been_here(delivery, flags, service);
}

/* ---- headers ---- */

void message_flags_append_address(struct strbuf *out, struct str address)
{
    size_t start = out->len;

    (void) quote_address(out, address);
    for (size_t i = start; i < out->len; i++) {
        if (out->data[i] == '\n' || out->data[i] == '\r' || out->data[i] == '\0')
            out->data[i] = '?';
    }
}

static void append_header(struct strbuf *out, const char *name, struct str address, const char *end, struct str eol)
{
    strbuf_append_c(out, name);
    message_flags_append_address(out, address);
    strbuf_append_c(out, end);
    strbuf_append(out, eol);
}

void message_flags_append_headers(struct strbuf *out, unsigned flags, struct str sender,
                                  const struct deliver_recipient *recipient, struct str eol)
{
    if ((flags & COMMAND_RETURN_PATH) != 0)
        append_header(out, "Return-Path: <", sender, ">", eol);
    if ((flags & COMMAND_ORIGINAL_TO) != 0)
        append_header(out,
                      "X-Original-To: ", str_is_empty(recipient->original) ? recipient->address : recipient->original,
                      "", eol);
    if ((flags & COMMAND_DELIVERED_TO) != 0)
        append_header(out, "Delivered-To: ", recipient->address, "", eol);
}
