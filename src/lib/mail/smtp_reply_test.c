/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/smtp_reply.h"

#include "base/arena.h"

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
