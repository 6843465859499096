/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/envelope_commands.h"

#include "mail/dsn.h"
#include "protocol/cleanup.h"
#include "smtp/extensions.h"

#include "unit.h"

static const struct smtp_extensions none = { .offered = 0 };
static const struct smtp_extensions all = { .offered = SMTP_EXTENSION_PIPELINING | SMTP_EXTENSION_SIZE |
                                                       SMTP_EXTENSION_8BITMIME | SMTP_EXTENSION_SMTPUTF8 |
                                                       SMTP_EXTENSION_DSN };

static void expect_mail(const struct deliver_request *request, const struct smtp_extensions *extensions,
                        const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    envelope_append_mail(&out, request, extensions, true);
    EXPECT_TEXT(strbuf_c(&out), expected);
    strbuf_done(&out);
}

static void expect_rcpt(const struct deliver_recipient *recipient, const struct smtp_extensions *extensions,
                        const char *expected)
{
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    envelope_append_rcpt(&out, recipient, extensions, true);
    EXPECT_TEXT(strbuf_c(&out), expected);
    strbuf_done(&out);
}

TEST(mail_from_says_what_the_server_understands)
{
    struct deliver_request request = {
        .sender = STR("a b@example.com"),
        .size = 1200,
        .lines = 34,
        .encoding = BODY_ENCODING_8BIT,
        .flags = DELIVER_FLAG_SMTPUTF8,
        .envid = STR("id+1=x"),
        .dsn_return = DSN_RETURN_HEADERS,
    };

    expect_mail(&request, &none, "MAIL FROM:<\"a b\"@example.com>\r\n");
    expect_mail(&request, &all,
                "MAIL FROM:<\"a b\"@example.com> SIZE=1234 BODY=8BITMIME SMTPUTF8 ENVID=id+2B1+3Dx RET=HDRS\r\n");
    request = (struct deliver_request){ .sender = STR(""), .size = 0 };
    expect_mail(&request, &all, "MAIL FROM:<> SIZE=0\r\n");
}

TEST(rcpt_to_carries_the_sender_s_wishes)
{
    struct deliver_recipient recipient = {
        .address = STR("u@example.com"),
        .original = STR("alias@example.com"),
        .dsn_notify = DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY,
    };

    expect_rcpt(&recipient, &none, "RCPT TO:<u@example.com>\r\n");
    expect_rcpt(&recipient, &all, "RCPT TO:<u@example.com> ORCPT=rfc822;alias@example.com NOTIFY=SUCCESS,DELAY\r\n");
    recipient.dsn_orcpt = STR("rfc822;a+b@example.com");
    expect_rcpt(&recipient, &all, "RCPT TO:<u@example.com> ORCPT=rfc822;a+2Bb@example.com NOTIFY=SUCCESS,DELAY\r\n");
    recipient.dsn_orcpt = STR("utf-8;m\xc3\xbcller@example.com");
    expect_rcpt(&recipient, &all,
                "RCPT TO:<u@example.com> ORCPT=utf-8;m\\x{FC}ller@example.com NOTIFY=SUCCESS,DELAY\r\n");
}

TEST(no_address_can_become_a_second_command)
{
    struct deliver_recipient recipient = { .address = STR("u\r\nQUIT@example.com\n") };
    struct strbuf out;

    strbuf_init(&out, STRBUF_UNLIMITED);
    envelope_append_rcpt(&out, &recipient, &all, true);
    EXPECT_UINT(str_find_char(strbuf_str(&out), '\r'), out.len - 2);
    EXPECT_UINT(str_find_char(strbuf_str(&out), '\n'), out.len - 1);
    strbuf_done(&out);
}

TEST(an_address_that_is_not_ascii_needs_smtputf8)
{
    struct deliver_recipient recipient = { .address = STR("u@example.com") };
    struct deliver_request request = { .sender = STR("a@example.com"), .recipients = { &recipient, 1 } };

    EXPECT_FALSE(envelope_needs_smtputf8(&request));
    recipient.address = STR("\xc3\xbc@example.com");
    EXPECT(envelope_needs_smtputf8(&request));
}
