/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/proxy_wire.h"

#include "unit.h"

/* The content in pieces of that size, as it goes to the filter. */
static void convert(struct str content, size_t piece, bool replaces_returns, struct strbuf *out)
{
    struct proxy_content state = { .replaces_returns = replaces_returns };

    for (; content.len > 0; content = str_from(content, piece))
        proxy_content_append(&state, str_part(content, 0, piece), out);
    proxy_content_complete(&state, out);
}

TEST(lines_get_their_ends_and_dots)
{
    const struct {
        struct str content, wire;
        bool keeps_returns;
    } rows[] = {
        { STR("a\nb\n"), STR("a\r\nb\r\n"), false },
        { STR(""), STR(""), false },
        { STR("\n"), STR("\r\n"), false },
        { STR(".\n"), STR("..\r\n"), false },
        { STR(".\n.\n..\na.\n"), STR("..\r\n..\r\n...\r\na.\r\n"), false },
        { STR("no end"), STR("no end\r\n"), false },
        { STR("a\n."), STR("a\r\n..\r\n"), false },
        { STR("a\r.\r\nb\n"), STR("a . \r\nb\r\n"), false },
        { STR("\r\n.\r\n"), STR(" \r\n.. \r\n"), false },
        { STR("\r.\n"), STR("\r.\r\n"), true },
        { STR("a\r\n.\r\nb"), STR("a\r\r\n..\r\r\nb\r\n"), true },
        { STR("a\0.\n.\0\n"), STR("a\0.\r\n..\0\r\n"), false },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t piece = 1; piece < 8; piece++) {
            struct strbuf wire;

            strbuf_init(&wire, STRBUF_UNLIMITED);
            convert(rows[i].content, piece, !rows[i].keeps_returns, &wire);
            EXPECT_STR(strbuf_str(&wire), rows[i].wire);
            strbuf_done(&wire);
        }
    }
}

TEST(commands_with_line_ends_within_are_not_passed_on)
{
    EXPECT(proxy_command_is_clean(STR("MAIL FROM:<a@example.com>\tSIZE=1")));
    EXPECT(proxy_command_is_clean(STR("RCPT TO:<\xc3\xa9@example.com>")));
    EXPECT(!proxy_command_is_clean(STR("MAIL FROM:<\"a\rRCPT TO:<b@example.com>\"@example.com>")));
    EXPECT(!proxy_command_is_clean(STR("MAIL FROM:<a\n@example.com>")));
    EXPECT(!proxy_command_is_clean(STR("MAIL FROM:<a\x7f@example.com>")));
}

/* In lines, long ones in pieces, as stream_read_line gives them. */
static enum proxy_reply_state take_all(struct proxy_reply *reply, struct str said, struct arena *arena)
{
    enum proxy_reply_state state = PROXY_REPLY_OPEN;

    *reply = (struct proxy_reply){ 0 };
    while (state == PROXY_REPLY_OPEN && said.len > 0) {
        size_t end = str_find_char(said, '\n');
        size_t len = end == STR_NOT_FOUND ? said.len : end + 1;

        if (len > PROXY_REPLY_LINE_MAXIMUM)
            len = PROXY_REPLY_LINE_MAXIMUM;
        state = proxy_reply_take(reply, str_part(said, 0, len), arena);
        said = str_from(said, len);
    }
    return state;
}

TEST(replies_are_read)
{
    static const struct {
        const char *said;
        enum proxy_reply_state state;
        int code;
        const char *shown;
    } rows[] = {
        { "250 2.0.0 Ok\r\n", PROXY_REPLY_COMPLETE, 250, "250 2.0.0 Ok" },
        { "250 2.0.0 Ok\n", PROXY_REPLY_COMPLETE, 250, "250 2.0.0 Ok" },
        { "250\r\n", PROXY_REPLY_COMPLETE, 250, "250" },
        { "550-a\r\n550-b\r\n550 c\r\n", PROXY_REPLY_COMPLETE, 550, "550-a??550-b??550 c" },
        { "250 a\rb\tc\r\n", PROXY_REPLY_COMPLETE, 250, "250 a?b?c" },
        { "250-a\r\n", PROXY_REPLY_OPEN, 250, "250-a" },
        { "250 no end", PROXY_REPLY_OPEN, 0, "250 no end" },
        { "550-a\r\n250 b\r\n", PROXY_REPLY_BROKEN, 550, "550-a??250 b" },
        { "hello\r\n", PROXY_REPLY_BROKEN, 0, "hello" },
        { "\r\n", PROXY_REPLY_BROKEN, 0, "" },
        { "25\r\n", PROXY_REPLY_BROKEN, 0, "25" },
        { "2500 x\r\n", PROXY_REPLY_BROKEN, 0, "2500 x" },
        { "999 foo\r\n", PROXY_REPLY_BROKEN, 0, "999 foo" },
        { "100 foo\r\n", PROXY_REPLY_BROKEN, 0, "100 foo" },
    };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct proxy_reply reply;

        EXPECT_INT(take_all(&reply, str_from_c(rows[i].said), arena), rows[i].state);
        EXPECT_INT(reply.code, rows[i].code);
        EXPECT_STR(proxy_reply_shown(&reply, arena), str_from_c(rows[i].shown));
    }
    arena_destroy(&arena);
}

static struct str repeat(struct arena *arena, const char *text, size_t count)
{
    size_t len = strlen(text);
    char *out = arena_alloc(arena, len * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(out + i * len, text, len);
    return str_make(out, len * count);
}

TEST(replies_are_bounded)
{
    struct arena *arena = arena_create();
    struct proxy_reply reply;
    struct str filling = repeat(arena, "x", 5000);

    EXPECT_INT(take_all(&reply, arena_printf(arena, "250 %.*s\r\n250 next\r\n", STR_ARG(filling)), arena),
               PROXY_REPLY_COMPLETE);
    EXPECT(reply.is_cut);
    EXPECT_UINT(reply.lines.count, 1);
    EXPECT_UINT(reply.lines.items[0].len, PROXY_REPLY_LINE_MAXIMUM);
    EXPECT_INT(take_all(&reply, repeat(arena, "250-more\r\n", 1000), arena), PROXY_REPLY_BROKEN);
    EXPECT_UINT(reply.lines.count, PROXY_REPLY_LINES_MAXIMUM);
    EXPECT_INT(take_all(&reply, repeat(arena, "2", 2000000), arena), PROXY_REPLY_BROKEN);
    EXPECT_UINT(reply.lines.count, 1);
    arena_destroy(&arena);
}
