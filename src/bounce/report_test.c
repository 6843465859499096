/* SPDX-License-Identifier: Apache-2.0 */
#include "bounce/report.h"

#include "bounce/original.h"
#include "config/main_cf.h"
#include "mail/dsn.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct stage {
    struct arena *arena;
    struct template_set templates;
    struct shared_settings shared;
    struct bounce_settings settings;
    struct bounce_recipient recipients[2];
    struct bounce_request request;
    struct report report;
    struct strbuf text;
};

static void expand_templates(struct stage *stage)
{
    struct strlist warnings = { 0 };
    struct main_cf *cf;
    struct failure why;

    template_set_init(&stage->templates);
    EXPECT(main_cf_parse(STR("myhostname = mail.example.com\ndelay_warning_time = 4\n"), STR("main.cf"), STR("/etc"),
                         stage->arena, &cf, &why));
    for (size_t i = 0; i < TEMPLATE_CLASSES; i++)
        EXPECT(template_set_expand(&stage->templates, (enum template_class) i, cf, stage->arena,
                                   &stage->templates.items[i].text, &warnings, &why));
}

static void set_stage(struct stage *stage, enum bounce_kind kind)
{
    setenv("TZ", "UTC", 1);
    tzset();
    *stage = (struct stage){ .arena = arena_create() };
    expand_templates(stage);
    stage->shared.smtputf8_enable = true;
    stage->shared.myhostname = STR("mail.example.com");
    stage->shared.mail_name = STR("Merpati");
    stage->settings.maximal_queue_lifetime = seconds(5 * 86400);
    stage->recipients[0] = (struct bounce_recipient){
        .address = STR("a b@x.example"),
        .original = STR("list@y.example"),
        .dsn = STR("5.1.1"),
        .reason = STR("host mx.x.example[192.0.2.1] said: 550 5.1.1 no such user here\x01 (in reply to RCPT TO "
                      "command)"),
        .remote_mta = STR("mx.x.example"),
        .diagnostic = STR("550 5.1.1 no such user here"),
    };
    stage->recipients[1] = (struct bounce_recipient){
        .address = STR("c@x.example"),
        .original = STR("c@x.example"),
        .dsn_orcpt = STR("rfc822;orig@z.example"),
        .dsn_notify = DSN_NOTIFY_SUCCESS,
        .dsn = STR("2.0.0"),
        .reason = STR("delivered to mailbox"),
        .relay = STR("local"),
        .action = STR("delivered"),
    };
    stage->request = (struct bounce_request){
        .kind = kind,
        .queue_id = STR("ABC"),
        .sender = STR("s@w.example"),
        .arrival = instant_from_seconds(1795312000),
        .recipients = { stage->recipients, 2 },
        .content_fd = -1,
    };
    stage->report = (struct report){
        .request = &stage->request,
        .settings = &stage->settings,
        .shared = &stage->shared,
        .templates = &stage->templates,
        .recipient = STR("s@w.example"),
        .queue_id = STR("DEF"),
        .now = instant_from_seconds(1795312060),
    };
    strbuf_init(&stage->text, STRBUF_UNLIMITED);
}

static void end_stage(struct stage *stage)
{
    strbuf_done(&stage->text);
    arena_destroy(&stage->arena);
}

TEST(a_bounce_has_the_parts_and_words_that_people_know)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_FAILED);
    EXPECT(report_write_head(&stage.report, &stage.text));
    strbuf_append_c(&stage.text, "Subject: x\n\nbody\n");
    EXPECT(report_write_tail(&stage.report, &stage.text));
    EXPECT_STR(strbuf_str(&stage.text),
               STR("Received: by mail.example.com (Merpati)\n"
                   "\tid DEF; Sun, 22 Nov 2026 01:47:40 +0000 (UTC)\n"
                   "Date: Sun, 22 Nov 2026 01:47:40 +0000 (UTC)\n"
                   "From: Mail Delivery System <MAILER-DAEMON>\n"
                   "Subject: Undelivered Mail Returned to Sender\n"
                   "To: s@w.example\n"
                   "Auto-Submitted: auto-replied\n"
                   "MIME-Version: 1.0\n"
                   "Content-Type: multipart/report; report-type=delivery-status;\n"
                   "\tboundary=\"ABC.1795312060/mail.example.com\"\n"
                   "Content-Transfer-Encoding: 8bit\n\n"
                   "This is a MIME-encapsulated message.\n\n"
                   "--ABC.1795312060/mail.example.com\n"
                   "Content-Description: Notification\n"
                   "Content-Type: text/plain; charset=utf-8\n"
                   "Content-Transfer-Encoding: 8bit\n\n"
                   "This is the mail system at host mail.example.com.\n\n"
                   "I'm sorry to have to inform you that your message could not\n"
                   "be delivered to one or more recipients. It's attached below.\n\n"
                   "For further assistance, please send mail to postmaster.\n\n"
                   "If you do so, please include this problem report. You can\n"
                   "delete your own text from the attached returned message.\n\n"
                   "                   The mail system\n\n"
                   "<\"a b\"@x.example> (expanded from <list@y.example>): host\n"
                   "    mx.x.example[192.0.2.1] said: 550 5.1.1 no such user here? (in reply to\n"
                   "    RCPT TO command)\n\n"
                   "--ABC.1795312060/mail.example.com\n"
                   "Content-Description: Delivery report\n"
                   "Content-Type: message/delivery-status\n\n"
                   "Reporting-MTA: dns; mail.example.com\n"
                   "X-Merpati-Queue-ID: ABC\n"
                   "X-Merpati-Sender: rfc822; s@w.example\n"
                   "Arrival-Date: Sun, 22 Nov 2026 01:46:40 +0000 (UTC)\n\n"
                   "Final-Recipient: rfc822; \"a b\"@x.example\n"
                   "Original-Recipient: rfc822;list@y.example\n"
                   "Action: failed\n"
                   "Status: 5.1.1\n"
                   "Remote-MTA: dns; mx.x.example\n"
                   "Diagnostic-Code: smtp; 550 5.1.1 no such user here\n\n"
                   "--ABC.1795312060/mail.example.com\n"
                   "Content-Description: Undelivered Message\n"
                   "Content-Type: message/rfc822\n"
                   "Content-Transfer-Encoding: 8bit\n\n"
                   "Return-Path: <s@w.example>\n"
                   "Subject: x\n\nbody\n\n"
                   "--ABC.1795312060/mail.example.com--\n"));
    end_stage(&stage);
}

static void expect_contains(const struct stage *stage, const char *part)
{
    if (str_find(strbuf_str(&stage->text), str_from_c(part)) == STR_NOT_FOUND)
        EXPECT_STR(strbuf_str(&stage->text), str_from_c(part));
}

TEST(success_is_told_to_who_asked_for_it)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_SUCCESS);
    stage.report.is_header_only = true;
    EXPECT_FALSE(report_is_wanted(&stage.request, &stage.recipients[0]));
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "\n\n<c@x.example>: delivery via local: delivered to mailbox\n\n--");
    expect_contains(&stage, "Original-Recipient: rfc822;orig@z.example\nAction: delivered\nStatus: 2.0.0\n"
                            "Diagnostic-Code: X-Merpati; delivery via local: delivered to mailbox\n");
    expect_contains(&stage, "Content-Description: Message Headers\nContent-Type: text/rfc822-headers\n");
    EXPECT_UINT(str_find(strbuf_str(&stage.text), STR("a b")), STR_NOT_FOUND);
    end_stage(&stage);
}

TEST(a_delay_says_until_when_it_is_tried)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_DELAYED);
    stage.request.envid = STR("env");
    stage.request.sender = STR("");
    stage.report.audience = REPORT_TO_POSTMASTER;
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "Subject: Postmaster Warning: Delayed Mail\n");
    expect_contains(&stage, "Auto-Submitted: auto-generated\n");
    expect_contains(&stage, "Original-Envelope-Id: env\nX-Merpati-Queue-ID: ABC\n"
                            "X-Merpati-Sender: rfc822; MAILER-DAEMON@mail.example.com\n");
    expect_contains(&stage, "Action: delayed\n");
    expect_contains(&stage, "\nWill-Retry-Until: Fri, 27 Nov 2026 01:46:40 +0000 (UTC)\n");
    end_stage(&stage);
}

static void read_original(struct bounce_request *request, bool is_header_only, struct strbuf *out)
{
    struct arena *arena = arena_create();
    struct original original;
    struct failure why;
    struct str piece;

    strbuf_clear(out);
    original_init(&original, request, is_header_only, arena);
    do {
        EXPECT(original_read(&original, &piece, &why));
        strbuf_append(out, piece);
    } while (!original.is_ended);
    arena_destroy(&arena);
}

TEST(the_original_comes_whole_or_up_to_the_empty_line)
{
    static const struct {
        const char *content;
        const char *header;
    } cases[] = {
        { "A: b\n\nbody\n\nmore\n", "A: b\n" },
        { "A: b\n", "A: b\n" },
        { "\nbody\n", "" },
        { "", "" },
    };
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct bounce_request request = { .content = str_from_c(cases[i].content), .content_fd = -1 };

        request.size = request.content.len;
        read_original(&request, true, &out);
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].header));
        read_original(&request, false, &out);
        EXPECT_STR(strbuf_str(&out), str_from_c(cases[i].content));
    }
    strbuf_done(&out);
}

/* ---- what people wrote in other scripts, and what peers say at length ---- */

TEST(a_report_about_internationalized_mail_says_so_in_every_part)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_FAILED);
    stage.request.is_smtputf8 = true;
    stage.request.sender = STR("se\xc3\xb1or@w.example");
    stage.recipients[0].address = STR("j\xc3\xb6rg@x.example");
    stage.recipients[0].original = STR("j\xc3\xb6rg@x.example");
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n");
    expect_contains(&stage, "\n<j\xc3\xb6rg@x.example>: host mx.x.example[192.0.2.1] said:");
    expect_contains(&stage, "Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: 8bit\n\n");
    expect_contains(&stage, "X-Merpati-Sender: rfc822; se\xc3\xb1or@w.example\n");
    expect_contains(&stage, "Final-Recipient: utf-8; j\xc3\xb6rg@x.example\n");
    expect_contains(&stage, "Content-Type: message/global\nContent-Transfer-Encoding: 8bit\n\n"
                            "Return-Path: <se\xc3\xb1or@w.example>\n");
    stage.report.is_header_only = true;
    strbuf_clear(&stage.text);
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "Content-Description: Undelivered Message Headers\nContent-Type: message/global-headers\n");
    end_stage(&stage);
}

TEST(a_header_alone_is_called_a_header)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_FAILED);
    stage.report.is_header_only = true;
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "Content-Description: Undelivered Message Headers\nContent-Type: text/rfc822-headers\n"
                            "Content-Transfer-Encoding: 8bit\n\nReturn-Path: <s@w.example>\n");
    end_stage(&stage);
}

/* No line longer than 78 but where a word alone is longer; nothing lost. */
static void expect_folded(struct str text, size_t word_max)
{
    struct str line;

    while (!str_is_empty(text)) {
        if (!str_cut(text, '\n', &line, &text)) {
            line = text;
            text = STR_EMPTY;
        }
        EXPECT(line.len <= (word_max > 78 ? word_max + 4 : 78));
    }
}

static struct str part_between(const struct strbuf *text, const char *from, const char *to)
{
    size_t start = str_find(strbuf_str(text), str_from_c(from));
    struct str rest = str_from(strbuf_str(text), start);

    EXPECT(start != STR_NOT_FOUND);
    return str_part(rest, 0, str_find(rest, str_from_c(to)));
}

TEST(a_very_long_diagnostic_is_folded_and_whole)
{
    enum { WORDS = 400, LONG_WORD = 900 };
    struct strbuf words;
    struct stage stage;
    struct str field;
    size_t found = 0;

    set_stage(&stage, BOUNCE_FAILED);
    strbuf_init(&words, STRBUF_UNLIMITED);
    for (size_t i = 0; i < WORDS; i++)
        strbuf_printf(&words, "word%03zu ", i);
    stage.recipients[0].diagnostic = strbuf_str(&words);
    EXPECT(report_write_head(&stage.report, &stage.text));
    field = part_between(&stage.text, "Diagnostic-Code: smtp; ", "\n\n");
    expect_folded(field, 0);
    for (size_t i = 0; i < WORDS; i++) {
        char word[16];

        (void) snprintf(word, sizeof(word), "word%03zu", i);
        found += str_find(field, str_from_c(word)) != STR_NOT_FOUND;
    }
    EXPECT_UINT(found, WORDS);

    strbuf_clear(&words);
    for (size_t i = 0; i < LONG_WORD; i++)
        strbuf_append_char(&words, 'x');
    stage.recipients[0].diagnostic = strbuf_str(&words);
    strbuf_clear(&stage.text);
    EXPECT(report_write_head(&stage.report, &stage.text));
    field = part_between(&stage.text, "Diagnostic-Code: smtp;", "\n\n");
    expect_folded(field, LONG_WORD);
    EXPECT(str_find(field, strbuf_str(&words)) != STR_NOT_FOUND);
    strbuf_done(&words);
    end_stage(&stage);
}

TEST(a_peer_cannot_write_fields_or_parts_of_its_own)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_FAILED);
    stage.recipients[0].diagnostic = STR("550 no\nAction: delivered\n\n--ABC.1795312060/mail.example.com--\r\x1b[2J");
    stage.recipients[0].reason = STR("no\n\n--ABC.1795312060/mail.example.com--\n");
    stage.recipients[0].remote_mta = STR("mx\nStatus: 2.0.0");
    stage.recipients[0].dsn_orcpt = STR("rfc822;x\nStatus: 2.0.0");
    stage.recipients[0].address = STR("x@y\nStatus: 2.0.0");
    stage.request.envid = STR("id\nX: y");
    EXPECT(report_write_head(&stage.report, &stage.text));
    EXPECT(str_find(strbuf_str(&stage.text), STR("\nAction: delivered")) == STR_NOT_FOUND);
    EXPECT(str_find(strbuf_str(&stage.text), STR("\nStatus: 2")) == STR_NOT_FOUND);
    EXPECT(str_find(strbuf_str(&stage.text), STR("\nX: y")) == STR_NOT_FOUND);
    EXPECT(str_find(strbuf_str(&stage.text), STR("\n--ABC.1795312060/mail.example.com--")) == STR_NOT_FOUND);
    EXPECT(str_find(strbuf_str(&stage.text), STR("\x1b")) == STR_NOT_FOUND);
    end_stage(&stage);
}

TEST(words_of_eight_bits_stay_as_they_are)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_FAILED);
    stage.recipients[0].reason = STR("bo\xc3\xae"
                                     "te pleine \xe9");
    stage.recipients[0].diagnostic = STR_EMPTY;
    stage.recipients[0].original = STR_EMPTY;
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "\n<\"a b\"@x.example>: bo\xc3\xae"
                            "te pleine \xe9\n");
    expect_contains(&stage, "Diagnostic-Code: X-Merpati; bo\xc3\xae"
                            "te pleine \xe9\n");
    end_stage(&stage);
}

TEST(what_returns_to_nobody_is_the_postmasters_without_an_explanation)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_FAILED);
    stage.request.sender = STR_EMPTY;
    stage.report.audience = REPORT_TO_POSTMASTER;
    stage.report.recipient = STR("postmaster");
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage,
                    "Subject: Postmaster Copy: Undelivered Mail\nTo: postmaster\nAuto-Submitted: auto-generated\n");
    EXPECT(str_find(strbuf_str(&stage.text), STR("I'm sorry")) == STR_NOT_FOUND);
    expect_contains(&stage, "Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n"
                            "Return-Path: <MAILER-DAEMON@mail.example.com>\n");
    end_stage(&stage);
}

TEST(a_report_of_all_tells_what_became_of_each)
{
    struct stage stage;

    set_stage(&stage, BOUNCE_TRACE);
    stage.recipients[0].status = DELIVER_BOUNCED;
    stage.recipients[1].status = DELIVER_SENT;
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "Enclosed is the mail delivery report that you requested.\n");
    expect_contains(&stage, "Action: failed\nStatus: 5.1.1\n");
    expect_contains(&stage, "Action: delivered\nStatus: 2.0.0\n");
    stage.recipients[0].status = DELIVER_DEFERRED;
    strbuf_clear(&stage.text);
    EXPECT(report_write_head(&stage.report, &stage.text));
    expect_contains(&stage, "Action: delayed\n");
    end_stage(&stage);
}
