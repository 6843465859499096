/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/extensions.h"

#include "base/arena.h"
#include "mail/smtp_reply.h"
#include "unit.h"

/* Gives all lines of text. */
static void feed(struct smtp_reply *reply, const char *text)
{
    struct str rest = str_from_c(text), line;

    smtp_reply_init(reply);
    while (rest.len > 0) {
        str_cut(rest, '\n', &line, &rest);
        (void) smtp_reply_add_line(reply, line);
    }
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
