/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/reply.h"

#include "base/arena.h"
#include "smtp/extensions.h"

#include "unit.h"

/* Gives all lines of text; the progress after the last. */
static enum smtp_reply_progress feed(struct smtp_reply *reply, const char *text)
{
    struct str rest = str_from_c(text), line;
    enum smtp_reply_progress progress = SMTP_REPLY_MORE;

    smtp_reply_init(reply);
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        progress = smtp_reply_add_line(reply, line);
    }
    return progress;
}

TEST(replies_are_complete_with_their_last_line)
{
    static const struct {
        const char *text;
        enum smtp_reply_progress progress;
        int code;
    } rows[] = {
        { "250 Ok", SMTP_REPLY_COMPLETE, 250 },
        { "250", SMTP_REPLY_COMPLETE, 250 },
        { "250-a\n250-b", SMTP_REPLY_MORE, 250 },
        { "250-a\n250 b", SMTP_REPLY_COMPLETE, 250 },
        { "250-a\n251 b", SMTP_REPLY_COMPLETE, 251 },
        { "550-a\n250 b", SMTP_REPLY_BROKEN, 550 },
        { "", SMTP_REPLY_MORE, 0 },
        { "hello", SMTP_REPLY_BROKEN, 0 },
        { "25x no", SMTP_REPLY_BROKEN, 0 },
        { "199 no", SMTP_REPLY_BROKEN, 0 },
        { "999 no", SMTP_REPLY_BROKEN, 0 },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct smtp_reply reply;

        EXPECT_INT(feed(&reply, rows[i].text), rows[i].progress);
        EXPECT_INT(reply.code, rows[i].code);
        smtp_reply_done(&reply);
    }
}

TEST(the_status_is_the_reply_s_own_or_its_class)
{
    struct smtp_reply reply;
    char text[DSN_STATUS_SIZE];

    feed(&reply, "550 5.1.1 No such user");
    EXPECT_STR(dsn_status_format(reply.dsn, text), STR("5.1.1"));
    smtp_reply_done(&reply);
    feed(&reply, "450 5.1.1 Liar");
    EXPECT_STR(dsn_status_format(reply.dsn, text), STR("4.0.0"));
    smtp_reply_done(&reply);
}

TEST(many_lines_become_one_for_the_log)
{
    struct arena *arena = arena_create();
    struct smtp_reply reply;

    feed(&reply, "550-5.1.1 No\n550 5.1.1 Never");
    EXPECT_STR(smtp_reply_on_one_line(&reply, arena), STR("550-5.1.1 No 550 5.1.1 Never"));
    smtp_reply_done(&reply);
    arena_destroy(&arena);
}

TEST(a_reply_without_end_is_cut_off)
{
    struct smtp_reply reply;
    enum smtp_reply_progress progress = SMTP_REPLY_MORE;
    unsigned lines = 0;

    smtp_reply_init(&reply);
    while (progress == SMTP_REPLY_MORE && lines++ < 100000)
        progress = smtp_reply_add_line(&reply, STR("250-and so on and on and on"));
    EXPECT_INT(progress, SMTP_REPLY_BROKEN);
    EXPECT(reply.text.len <= SMTP_REPLY_MAX);
    smtp_reply_done(&reply);
}

TEST(what_a_server_offers_is_read_from_its_answer_to_ehlo)
{
    struct smtp_extensions extensions;
    struct strlist none = { NULL, 0, 0 };
    struct arena *arena = arena_create();
    struct smtp_reply reply;

    feed(&reply, "250-mx.example.com at your service\n250-PIPELINING\n250-size 1000\n250-8bitmime\n250-SMTPUTF8 \n"
                 "250-X-UNKNOWN yes\n250-DSN\n250-AUTH PLAIN\n250 AUTH=PLAIN LOGIN");
    smtp_extensions_parse(&extensions, &reply, &none, arena);
    EXPECT_UINT(extensions.offered, SMTP_EXTENSION_PIPELINING | SMTP_EXTENSION_SIZE | SMTP_EXTENSION_8BITMIME |
                                        SMTP_EXTENSION_SMTPUTF8 | SMTP_EXTENSION_DSN);
    EXPECT_UINT(extensions.size_limit, 1000);
    EXPECT_STR(extensions.name, STR("mx.example.com"));
    EXPECT(extensions.has_auth && extensions.mechanisms.count == 2);
    EXPECT_STR(extensions.mechanisms.items[0], STR("PLAIN"));
    EXPECT_STR(extensions.mechanisms.items[1], STR("LOGIN"));
    smtp_reply_done(&reply);
    arena_destroy(&arena);
}

TEST(keywords_can_be_overlooked)
{
    struct str words[] = { STR("pipelining"), STR("dsn") };
    struct strlist discard = { words, 2, 2 };
    struct smtp_extensions extensions;
    struct arena *arena = arena_create();
    struct smtp_reply reply;

    feed(&reply, "250-mx\n250-PIPELINING\n250-SIZE 99999999999999999999999\n250 DSN");
    smtp_extensions_parse(&extensions, &reply, &discard, arena);
    EXPECT_UINT(extensions.offered, SMTP_EXTENSION_SIZE);
    EXPECT_UINT(extensions.size_limit, 0);
    smtp_reply_done(&reply);
    arena_destroy(&arena);
}

TEST(what_is_said_of_keywords_that_are_overlooked)
{
    struct str words[] = { STR("foo"), STR("dsn"), STR("size"), STR("Silent-Discard") };
    struct strlist discard = { words, 3, 3 };
    struct arena *arena = arena_create();

    EXPECT_STR(smtp_extensions_discarded(&discard, arena), STR("SIZE DSN"));
    discard.count = 1;
    EXPECT_STR(smtp_extensions_discarded(&discard, arena), STR(""));
    discard.count = 4;
    EXPECT_STR(smtp_extensions_discarded(&discard, arena), STR(""));
    arena_destroy(&arena);
}
