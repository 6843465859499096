/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/report.h"

#include "mail/date.h"
#include "mail/domain.h"
#include "mail/dsn.h"
#include "mail/quote.h"

enum { LINE_WIDTH = 79 };

/* ---- folding ---- */

/* Appends text on lines of at most LINE_WIDTH, broken at blanks, continued with four blanks; LF at the end. */
static void append_wrapped(struct strbuf *out, struct str text)
{
    size_t column = 0;
    size_t start = 0;

    while (start < text.len) {
        size_t end = start;
        size_t word_end = start;

        while (word_end < text.len && text.data[word_end] == ' ')
            word_end++;
        while (word_end < text.len && text.data[word_end] != ' ' && text.data[word_end] != '\n')
            word_end++;
        if (column > 4 && column + (word_end - start) > LINE_WIDTH) {
            strbuf_append(out, STR("\n    "));
            column = 4;
            while (end < text.len && text.data[end] == ' ')
                end++;
        }
        strbuf_append(out, str_part(text, end, word_end - end));
        column += word_end - end;
        start = word_end;
        if (start < text.len && text.data[start] == '\n') {
            strbuf_append(out, STR("\n    "));
            column = 4;
            start++;
        }
    }
    strbuf_append_char(out, '\n');
}

/* Control bytes of a peer's or a command's words have no place in a report. */
static void append_clean(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        strbuf_append_char(out, (c < ' ' && c != '\n') || c == 127 ? '?' : (char) c);
    }
}

/* ---- who and what ---- */

bool report_is_wanted(const struct bounce_request *request, const struct bounce_recipient *recipient)
{
    switch ((enum bounce_kind) request->kind) {
    case BOUNCE_FAILED:
        return recipient->dsn_notify == 0 || (recipient->dsn_notify & DSN_NOTIFY_FAILURE);
    case BOUNCE_DELAYED:
        return recipient->dsn_notify == 0 || (recipient->dsn_notify & DSN_NOTIFY_DELAY);
    case BOUNCE_SUCCESS:
        return (recipient->dsn_notify & DSN_NOTIFY_SUCCESS) != 0;
    case BOUNCE_TRACE:
        break;
    }
    return true;
}

struct kind_words {
    const char *subject;
    const char *postmaster_subject;
    const char *action;
    const char *original; /* description of the last part */
};

static const struct kind_words kinds[] = {
    [BOUNCE_FAILED] = { "Undelivered Mail Returned to Sender", "Postmaster Copy: Undelivered Mail", "failed",
                        "Undelivered Message" },
    [BOUNCE_DELAYED] = { "Delayed Mail (still being retried)", "Postmaster Warning: Delayed Mail", "delayed",
                         "Undelivered Message" },
    [BOUNCE_SUCCESS] = { "Successful Mail Delivery Report", "Successful Mail Delivery Report", "delivered", "Message" },
    [BOUNCE_TRACE] = { "Mail Delivery Status Report", "Mail Delivery Status Report", "delivered", "Message" },
};

static const struct kind_words *words_of(const struct report *report)
{
    return &kinds[report->request->kind];
}

static void append_boundary(const struct report *report, struct strbuf *out)
{
    strbuf_printf(out, "%.*s.%lld/%.*s", STR_ARG(report->request->queue_id), (long long) instant_seconds(report->now),
                  STR_ARG(report->shared->myhostname));
}

static void append_separator(const struct report *report, struct strbuf *out, const char *end)
{
    strbuf_append(out, STR("\n--"));
    append_boundary(report, out);
    strbuf_append_c(out, end);
    strbuf_append_char(out, '\n');
}

static void append_sender(const struct report *report, struct strbuf *out)
{
    if (report->request->sender.len == 0)
        strbuf_printf(out, "MAILER-DAEMON@%.*s", STR_ARG(report->shared->myhostname));
    else
        quote_address(out, report->request->sender);
}

/* ---- the header ---- */

static void append_header(const struct report *report, struct strbuf *out)
{
    const struct shared_settings *shared = report->shared;
    const struct kind_words *words = words_of(report);
    bool is_copy = report->audience == REPORT_TO_POSTMASTER;

    strbuf_printf(out, "Received: by %.*s (%.*s)\n\tid %.*s; ", STR_ARG(shared->myhostname), STR_ARG(shared->mail_name),
                  STR_ARG(report->queue_id));
    date_append(out, report->now);
    strbuf_append(out, STR("\nDate: "));
    date_append(out, report->now);
    strbuf_printf(out, "\nFrom: Mail Delivery System <MAILER-DAEMON>\nSubject: %s\nTo: ",
                  is_copy ? words->postmaster_subject : words->subject);
    quote_address(out, report->recipient);
    strbuf_printf(out,
                  "\nAuto-Submitted: auto-%s\nMIME-Version: 1.0\n"
                  "Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"",
                  is_copy ? "generated" : "replied");
    append_boundary(report, out);
    strbuf_append(out, STR("\"\nContent-Transfer-Encoding: 8bit\n\nThis is a MIME-encapsulated message.\n"));
}

/* ---- for people ---- */

static void append_failed_text(struct strbuf *out)
{
    strbuf_append(out, STR("I'm sorry to have to inform you that your message could not\n"
                           "be delivered to one or more recipients. It's attached below.\n\n"
                           "For further assistance, please send mail to postmaster.\n\n"
                           "If you do so, please include this problem report. You can\n"
                           "delete your own text from the attached returned message.\n"));
}

static void append_delayed_text(const struct report *report, struct strbuf *out)
{
    strbuf_append(out, STR("####################################################################\n"
                           "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n"
                           "####################################################################\n\n"));
    strbuf_printf(out,
                  "Your message could not be delivered for more than %lld hour(s).\n"
                  "It will be retried until it is %lld day(s) old.\n\n",
                  (long long) duration_seconds(report->settings->delay_warning_time) / 3600,
                  (long long) duration_seconds(report->settings->maximal_queue_lifetime) / 86400);
    strbuf_append(out, STR("For further assistance, please send mail to postmaster.\n\n"
                           "If you do so, please include this problem report. You can\n"
                           "delete your own text from the attached returned message.\n"));
}

static void append_success_text(struct strbuf *out)
{
    strbuf_append(out, STR("Your message was successfully delivered to the destination(s)\n"
                           "listed below. If the message was delivered to mailbox you will\n"
                           "receive no further notifications. Otherwise you may still receive\n"
                           "notifications of mail delivery errors from other systems.\n"));
}

static void append_explanation(const struct report *report, struct strbuf *out)
{
    strbuf_printf(out, "This is the mail system at host %.*s.\n\n", STR_ARG(report->shared->myhostname));
    switch ((enum bounce_kind) report->request->kind) {
    case BOUNCE_FAILED:
        append_failed_text(out);
        break;
    case BOUNCE_DELAYED:
        append_delayed_text(report, out);
        break;
    case BOUNCE_SUCCESS:
        append_success_text(out);
        break;
    case BOUNCE_TRACE:
        strbuf_append(out, STR("Enclosed is the mail delivery report that you requested.\n"));
        break;
    }
    strbuf_append(out, STR("\n                   The mail system\n"));
}

/* "delivery via local: delivered to mailbox" in reports of success and of all, else the reason alone. */
static void append_reason(const struct report *report, const struct bounce_recipient *recipient, struct strbuf *out)
{
    bool has_way = report->request->kind == BOUNCE_SUCCESS || report->request->kind == BOUNCE_TRACE;

    if (has_way && recipient->relay.len > 0 && !str_equal(recipient->relay, STR("none")))
        strbuf_printf(out, "delivery via %.*s: ", STR_ARG(recipient->relay));
    append_clean(out, recipient->reason);
}

static void append_recipient_text(const struct report *report, const struct bounce_recipient *recipient,
                                  struct strbuf *line, struct strbuf *out)
{
    strbuf_clear(line);
    strbuf_append_char(line, '<');
    quote_address(line, recipient->address);
    strbuf_append_char(line, '>');
    if (recipient->original.len > 0 && !str_equal_nocase(recipient->original, recipient->address)) {
        strbuf_append(line, STR(" (expanded from <"));
        quote_address(line, recipient->original);
        strbuf_append(line, STR(">)"));
    }
    strbuf_append(line, STR(": "));
    append_reason(report, recipient, line);
    strbuf_append_char(out, '\n');
    append_wrapped(out, strbuf_str(line));
}

/* ---- for programs ---- */

static void append_field(struct strbuf *line, struct strbuf *out)
{
    append_wrapped(out, strbuf_str(line));
    strbuf_clear(line);
}

static void append_message_fields(const struct report *report, struct strbuf *line, struct strbuf *out)
{
    const struct bounce_request *request = report->request;
    struct str name = report->shared->mail_name;

    strbuf_clear(line);
    strbuf_printf(out, "Reporting-MTA: dns; %.*s\n", STR_ARG(report->shared->myhostname));
    if (request->envid.len > 0) {
        strbuf_append(line, STR("Original-Envelope-Id: "));
        append_clean(line, request->envid);
        append_field(line, out);
    }
    strbuf_printf(out, "X-%.*s-Queue-ID: %.*s\nX-%.*s-Sender: rfc822; ", STR_ARG(name), STR_ARG(request->queue_id),
                  STR_ARG(name));
    append_sender(report, out);
    strbuf_append(out, STR("\nArrival-Date: "));
    date_append(out, request->arrival);
    strbuf_append_char(out, '\n');
}

static void append_original_recipient(const struct bounce_recipient *recipient, struct strbuf *line, struct strbuf *out)
{
    if (recipient->dsn_orcpt.len > 0) {
        strbuf_append(line, STR("Original-Recipient: "));
        append_clean(line, recipient->dsn_orcpt);
        append_field(line, out);
    } else if (recipient->original.len > 0 && !str_equal_nocase(recipient->original, recipient->address)) {
        strbuf_append(line, STR("Original-Recipient: rfc822;"));
        append_clean(line, recipient->original);
        append_field(line, out);
    }
}

static void append_diagnostic(const struct report *report, const struct bounce_recipient *recipient,
                              struct strbuf *line, struct strbuf *out)
{
    strbuf_append(line, STR("Diagnostic-Code: "));
    if (recipient->diagnostic.len > 0) {
        append_clean(line, recipient->diagnostic_type.len > 0 ? recipient->diagnostic_type : STR("smtp"));
        strbuf_append(line, STR("; "));
        append_clean(line, recipient->diagnostic);
    } else {
        strbuf_printf(line, "X-%.*s; ", STR_ARG(report->shared->mail_name));
        append_reason(report, recipient, line);
    }
    append_field(line, out);
}

static void append_recipient_fields(const struct report *report, const struct bounce_recipient *recipient,
                                    struct strbuf *line, struct strbuf *out)
{
    const struct bounce_request *request = report->request;
    struct str action = recipient->action;

    strbuf_clear(line);
    if (request->kind == BOUNCE_TRACE && recipient->status != DELIVER_SENT)
        action = recipient->status == DELIVER_BOUNCED ? STR("failed") : STR("delayed");
    else if (request->kind == BOUNCE_FAILED || request->kind == BOUNCE_DELAYED || action.len == 0)
        action = str_from_c(words_of(report)->action);
    strbuf_printf(line, "Final-Recipient: %s; ", domain_is_ascii(recipient->address) ? "rfc822" : "utf-8");
    quote_address(line, recipient->address);
    strbuf_append_char(out, '\n');
    append_field(line, out);
    append_original_recipient(recipient, line, out);
    strbuf_printf(out, "Action: %.*s\nStatus: %.*s\n", STR_ARG(action), STR_ARG(recipient->dsn));
    if (recipient->remote_mta.len > 0) {
        strbuf_append(line, STR("Remote-MTA: dns; "));
        append_clean(line, recipient->remote_mta);
        append_field(line, out);
    }
    append_diagnostic(report, recipient, line, out);
    if (request->kind == BOUNCE_DELAYED) {
        strbuf_append(out, STR("Will-Retry-Until: "));
        date_append(out, instant_add(request->arrival, report->settings->maximal_queue_lifetime));
        strbuf_append_char(out, '\n');
    }
}

/* ---- the parts ---- */

static void append_notification_part(const struct report *report, struct strbuf *line, struct strbuf *out)
{
    const struct bounce_recipient *recipients = report->request->recipients.items;

    append_separator(report, out, "");
    strbuf_append(out, STR("Content-Description: Notification\nContent-Type: text/plain; charset=utf-8\n"
                           "Content-Transfer-Encoding: 8bit\n\n"));
    if (report->audience == REPORT_TO_SENDER)
        append_explanation(report, out);
    for (size_t i = 0; i < report->request->recipients.count; i++)
        if (report_is_wanted(report->request, &recipients[i]))
            append_recipient_text(report, &recipients[i], line, out);
}

static void append_status_part(const struct report *report, struct strbuf *line, struct strbuf *out)
{
    const struct bounce_recipient *recipients = report->request->recipients.items;

    append_separator(report, out, "");
    strbuf_printf(out, "Content-Description: Delivery report\nContent-Type: message/%sdelivery-status\n",
                  report->request->is_smtputf8 ? "global-" : "");
    if (report->request->is_smtputf8)
        strbuf_append(out, STR("Content-Transfer-Encoding: 8bit\n"));
    strbuf_append_char(out, '\n');
    append_message_fields(report, line, out);
    for (size_t i = 0; i < report->request->recipients.count; i++)
        if (report_is_wanted(report->request, &recipients[i]))
            append_recipient_fields(report, &recipients[i], line, out);
}

static void append_original_head(const struct report *report, struct strbuf *out)
{
    bool is_utf8 = report->request->is_smtputf8;
    const char *type = report->is_header_only ? (is_utf8 ? "message/global-headers" : "text/rfc822-headers")
                                              : (is_utf8 ? "message/global" : "message/rfc822");

    append_separator(report, out, "");
    strbuf_printf(out, "Content-Description: %s%s\nContent-Type: %s\nContent-Transfer-Encoding: 8bit\n\n",
                  words_of(report)->original, report->is_header_only ? " Headers" : "", type);
    strbuf_append(out, STR("Return-Path: <"));
    append_sender(report, out);
    strbuf_append(out, STR(">\n"));
}

bool report_write_head(const struct report *report, struct strbuf *out)
{
    struct strbuf line;

    strbuf_init(&line, STRBUF_UNLIMITED);
    append_header(report, out);
    append_notification_part(report, &line, out);
    append_status_part(report, &line, out);
    append_original_head(report, out);
    strbuf_done(&line);
    return !out->is_overflowed;
}

bool report_write_tail(const struct report *report, struct strbuf *out)
{
    append_separator(report, out, "--");
    return !out->is_overflowed;
}
