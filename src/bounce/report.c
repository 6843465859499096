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

/* NOTIFY is the sender's: the postmaster sees everybody. */
static bool is_listed(const struct report *report, const struct bounce_recipient *recipient)
{
    return report->audience == REPORT_TO_POSTMASTER || report_is_wanted(report->request, recipient);
}

struct kind_words {
    enum template_class template;
    const char *action;
    const char *original; /* description of the last part */
};

static const struct kind_words kinds[] = {
    [BOUNCE_FAILED] = { TEMPLATE_FAILURE, "failed", "Undelivered Message" },
    [BOUNCE_DELAYED] = { TEMPLATE_DELAY, "delayed", "Undelivered Message" },
    [BOUNCE_SUCCESS] = { TEMPLATE_SUCCESS, "delivered", "Message" },
    [BOUNCE_TRACE] = { TEMPLATE_VERIFY, "delivered", "Message" },
};

static const struct kind_words *words_of(const struct report *report)
{
    return &kinds[report->request->kind];
}

enum template_class report_template(const struct report *report)
{
    return words_of(report)->template;
}

static const struct notice_template *template_of(const struct report *report)
{
    return &report->templates->items[words_of(report)->template];
}

/* What is added to a text in ASCII may be UTF-8: host names, addresses, answers. */
static struct str charset_of(const struct report *report)
{
    struct str charset = template_of(report)->charset;

    if (report->shared->smtputf8_enable && str_equal_nocase(charset, STR("us-ascii")))
        return STR("utf-8");
    return charset;
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

/* A reader shows the notification with the message that it is about. */
static void append_thread(const struct report *report, struct strbuf *out)
{
    static const char *const names[] = { "\nReferences: ", "\nIn-Reply-To: " };

    if (!report->settings->enable_threaded_bounces || report->request->message_id.len == 0)
        return;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        strbuf_append_c(out, names[i]);
        append_clean(out, report->request->message_id);
    }
}

static void append_header(const struct report *report, struct strbuf *out)
{
    const struct shared_settings *shared = report->shared;
    const struct notice_template *template = template_of(report);
    bool is_copy = report->audience == REPORT_TO_POSTMASTER;

    strbuf_printf(out, "Received: by %.*s (%.*s)\n\tid %.*s; ", STR_ARG(shared->myhostname), STR_ARG(shared->mail_name),
                  STR_ARG(report->queue_id));
    date_append(out, report->now);
    strbuf_append(out, STR("\nDate: "));
    date_append(out, report->now);
    strbuf_printf(out, "\nFrom: %.*s\nSubject: %.*s\nTo: ", STR_ARG(template->from),
                  STR_ARG(is_copy ? template->postmaster_subject : template->subject));
    quote_address(out, report->recipient);
    append_thread(report, out);
    strbuf_printf(out,
                  "\nAuto-Submitted: auto-%s\nMIME-Version: 1.0\n"
                  "Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"",
                  is_copy ? "generated" : "replied");
    append_boundary(report, out);
    strbuf_append(out, STR("\"\nContent-Transfer-Encoding: 8bit\n\nThis is a MIME-encapsulated message.\n"));
}

/* ---- for people ---- */

/* "delivery via local: delivered to mailbox" in reports of success and of all, else the reason alone. */
static void append_reason(const struct report *report, const struct bounce_recipient *recipient, struct strbuf *out)
{
    bool has_way = report->request->kind == BOUNCE_SUCCESS || report->request->kind == BOUNCE_TRACE;

    if (has_way && recipient->relay.len > 0 && !str_equal(recipient->relay, STR("none")))
        strbuf_printf(out, "delivery via %.*s: ", STR_ARG(recipient->relay));
    append_clean(out, recipient->reason);
}

/* Bytes that are no UTF-8 may stand nowhere in a report: '?' for each. */
static void append_as_utf8(struct strbuf *out, struct str text)
{
    bool is_utf8 = domain_is_utf8(text);

    for (size_t i = 0; i < text.len; i++)
        strbuf_append_char(out, is_utf8 || (signed char) text.data[i] >= 0 ? text.data[i] : '?');
}

static void append_address(struct strbuf *out, struct str address)
{
    struct strbuf shown;

    strbuf_init(&shown, STRBUF_UNLIMITED);
    append_as_utf8(&shown, address);
    quote_address(out, strbuf_str(&shown));
    strbuf_done(&shown);
}

static void append_recipient_text(const struct report *report, const struct bounce_recipient *recipient,
                                  struct strbuf *line, struct strbuf *out)
{
    strbuf_clear(line);
    strbuf_append_char(line, '<');
    append_address(line, recipient->address);
    strbuf_append_char(line, '>');
    if (recipient->original.len > 0 && !str_equal_nocase(recipient->original, recipient->address)) {
        strbuf_append(line, STR(" (expanded from <"));
        append_address(line, recipient->original);
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

/* The same for an address, which programs read: it stays in one line. */
static void append_whole_field(struct strbuf *line, struct strbuf *out)
{
    struct str text = strbuf_str(line);

    for (size_t i = 0; i < text.len; i++)
        append_clean(out, text.data[i] == '\n' ? STR("?") : str_part(text, i, 1));
    strbuf_append_char(out, '\n');
    strbuf_clear(line);
}

/* "X-Merpati": a part of a field's name has no blanks. */
static void append_own_name(const struct report *report, struct strbuf *out)
{
    struct str name = report->shared->mail_name;

    strbuf_append(out, STR("X-"));
    for (size_t i = 0; i < name.len; i++)
        strbuf_append_char(out, name.data[i] == ' ' ? '-' : name.data[i]);
}

static void append_message_fields(const struct report *report, struct strbuf *line, struct strbuf *out)
{
    const struct bounce_request *request = report->request;

    strbuf_clear(line);
    strbuf_printf(out, "Reporting-MTA: dns; %.*s\n", STR_ARG(report->shared->myhostname));
    if (request->envid.len > 0) {
        strbuf_append(line, STR("Original-Envelope-Id: "));
        append_clean(line, request->envid);
        append_field(line, out);
    }
    append_own_name(report, out);
    strbuf_printf(out, "-Queue-ID: %.*s\n", STR_ARG(request->queue_id));
    append_own_name(report, out);
    strbuf_append(out, STR("-Sender: rfc822; "));
    append_sender(report, out);
    strbuf_append(out, STR("\nArrival-Date: "));
    date_append(out, request->arrival);
    strbuf_append_char(out, '\n');
}

static void append_original_recipient(const struct bounce_recipient *recipient, struct strbuf *line, struct strbuf *out)
{
    if (recipient->dsn_orcpt.len > 0) {
        strbuf_append(line, STR("Original-Recipient: "));
        append_as_utf8(line, recipient->dsn_orcpt);
        append_whole_field(line, out);
    } else if (recipient->original.len > 0 && !str_equal_nocase(recipient->original, recipient->address)) {
        strbuf_append(line, STR("Original-Recipient: rfc822;"));
        append_clean(line, recipient->original);
        append_whole_field(line, out);
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
        append_own_name(report, line);
        strbuf_append(line, STR("; "));
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
    if (request->kind == BOUNCE_TRACE && recipient->status != DELIVER_SENT && !str_equal(action, STR("undeliverable")))
        action = recipient->status == DELIVER_BOUNCED ? STR("failed") : STR("delayed");
    else if (request->kind == BOUNCE_FAILED || request->kind == BOUNCE_DELAYED || action.len == 0)
        action = str_from_c(words_of(report)->action);
    strbuf_printf(line, "Final-Recipient: %s; ",
                  request->is_smtputf8 && !domain_is_ascii(recipient->address) && domain_is_utf8(recipient->address)
                      ? "utf-8"
                      : "rfc822");
    append_address(line, recipient->address);
    strbuf_append_char(out, '\n');
    append_whole_field(line, out);
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
    strbuf_printf(out,
                  "Content-Description: Notification\nContent-Type: text/plain; charset=%.*s\n"
                  "Content-Transfer-Encoding: 8bit\n\n",
                  STR_ARG(charset_of(report)));
    if (report->audience == REPORT_TO_SENDER)
        strbuf_append(out, template_of(report)->text);
    for (size_t i = 0; i < report->request->recipients.count; i++)
        if (is_listed(report, &recipients[i]))
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
        if (is_listed(report, &recipients[i]))
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
