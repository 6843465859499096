/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/handed_session.h"

#include "unit.h"

static bool is_taken(const char *helo, const char *mail, const char *recipient)
{
    const struct handed_session session = { .client_address = STR("192.0.2.1"),
                                            .helo = str_from_c(helo),
                                            .mail = str_from_c(mail),
                                            .recipient = str_from_c(recipient) };
    struct arena *arena = arena_create();
    const struct handed_session *decoded = NULL;
    struct strbuf bytes;
    int fd;
    bool is_decoded;

    strbuf_init(&bytes, HANDED_BYTES_MAXIMUM);
    is_decoded = message_encode(&handed_session_message, &session, &bytes, &fd, NULL) &&
                 handed_session_decode(strbuf_str(&bytes), arena, &decoded, NULL);
    if (is_decoded) {
        EXPECT_STR(decoded->client_address, STR("192.0.2.1"));
        EXPECT_STR(decoded->recipient, session.recipient);
    }
    strbuf_done(&bytes);
    arena_destroy(&arena);
    return is_decoded;
}

TEST(commands_are_one_line_each)
{
    EXPECT(is_taken("", "", ""));
    EXPECT(is_taken("EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<c@d>"));
    EXPECT_FALSE(is_taken("EHLO x\r\nMAIL FROM:<a@b>", "MAIL FROM:<a@b>", "RCPT TO:<c@d>"));
    EXPECT_FALSE(is_taken("EHLO x", "MAIL FROM:<a@b>\rDATA", "RCPT TO:<c@d>"));
    EXPECT_FALSE(is_taken("EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<c@d>\nDATA"));
}

TEST(what_is_none_is_refused)
{
    struct arena *arena = arena_create();
    const struct handed_session *decoded;
    struct failure why;

    EXPECT_FALSE(handed_session_decode(STR("GET / HTTP/1.0"), arena, &decoded, &why));
    EXPECT_FALSE(handed_session_decode(STR(""), arena, &decoded, &why));
    arena_destroy(&arena);
}
