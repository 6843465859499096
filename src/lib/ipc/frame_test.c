/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/frame.h"

#include "ipc/channel.h"

#include "unit.h"

static const struct message_type *const no_messages[] = { NULL };
static const struct protocol ours = { "test", 3, no_messages };

TEST(a_header_is_read_back)
{
    static const struct frame rows[] = {
        { .len = 5, .call = 0x01020304, .kind = FRAME_MESSAGE, .message = 200, .has_fd = true },
        { .len = CHANNEL_FRAME_MAXIMUM, .call = 1, .kind = FRAME_MESSAGE },
        { .call = UINT32_MAX, .kind = FRAME_END },
        { .len = FRAME_CREDIT_SIZE, .call = 9, .kind = FRAME_CREDIT },
        { .kind = FRAME_GOODBYE },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct strbuf out;
        struct frame frame;
        struct failure why;

        strbuf_init(&out, 100);
        frame_put(&out, &rows[i]);
        EXPECT_UINT(out.len, FRAME_HEADER_SIZE);
        EXPECT(frame_parse(strbuf_str(&out), &frame, &why));
        EXPECT_UINT(frame.len, rows[i].len);
        EXPECT_UINT(frame.call, rows[i].call);
        EXPECT_INT(frame.kind, rows[i].kind);
        EXPECT_UINT(frame.message, rows[i].message);
        EXPECT(frame.has_fd == rows[i].has_fd);
        strbuf_done(&out);
    }
}

TEST(what_no_peer_of_ours_sends_is_refused)
{
    /* length, call, kind, message, descriptor, zero */
    static const char *const rows[] = {
        "\0\0\0\0\1\0\0\0\4\0\0\0", /* no such kind */
        "\0\0\0\0\1\0\0\0\0\0\2\0", /* a flag of more than one bit */
        "\0\0\0\0\1\0\0\0\0\0\0\1", /* the zero is none */
        "\1\0\0\1\1\0\0\0\0\0\0\0", /* too long */
        "\1\0\0\0\1\0\0\0\1\0\0\0", /* an end with a payload */
        "\5\0\0\0\1\0\0\0\2\0\0\0", /* a credit of five bytes */
        "\1\0\0\0\1\0\0\0\3\0\0\0", /* a goodbye with a payload */
        "\0\0\0\0\1\0\0\0\1\0\1\0", /* an end with a descriptor */
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct frame frame;
        struct failure why;

        EXPECT_FALSE(frame_parse(str_make(rows[i], FRAME_HEADER_SIZE), &frame, &why));
        EXPECT_INT(why.kind, FAILURE_PROTOCOL);
    }
}

TEST(a_length_is_written_later)
{
    struct frame frame = { .call = 4, .kind = FRAME_MESSAGE };
    struct strbuf out;
    struct failure why;

    strbuf_init(&out, 100);
    strbuf_append_c(&out, "before");
    frame_put(&out, &frame);
    frame_set_len(&out, 6, 70000);
    EXPECT(frame_parse(str_part(strbuf_str(&out), 6, FRAME_HEADER_SIZE), &frame, &why));
    EXPECT_UINT(frame.len, 70000);
    EXPECT_UINT(frame.call, 4);
    strbuf_done(&out);
}

TEST(a_credit_is_a_number_of_bytes)
{
    struct strbuf out;
    struct frame frame;
    struct failure why;

    strbuf_init(&out, 100);
    frame_put_credit(&out, 7, 123456);
    EXPECT(frame_parse(str_part(strbuf_str(&out), 0, FRAME_HEADER_SIZE), &frame, &why));
    EXPECT_INT(frame.kind, FRAME_CREDIT);
    EXPECT_UINT(frame_parse_credit(str_from(strbuf_str(&out), FRAME_HEADER_SIZE)), 123456);
    strbuf_done(&out);
}

TEST(only_the_same_protocol_and_version_is_greeted)
{
    static const struct {
        struct protocol peer;
        const char *reason;
    } rows[] = {
        { { "test", 3, no_messages }, NULL },
        { { "test", 4, no_messages }, "the peer speaks \"test\" version 4, not \"test\" version 3" },
        { { "other", 3, no_messages }, "the peer speaks \"other\" version 3, not \"test\" version 3" },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct strbuf out;
        struct failure why = { 0 };

        strbuf_init(&out, 100);
        frame_put_hello(&out, &rows[i].peer);
        EXPECT_UINT(out.len, FRAME_HELLO_SIZE);
        EXPECT(frame_check_hello(strbuf_str(&out), &ours, &why) == (rows[i].reason == NULL));
        EXPECT_TEXT(why.text, rows[i].reason == NULL ? "" : rows[i].reason);
        out.data[1] = 'X';
        EXPECT_FALSE(frame_check_hello(strbuf_str(&out), &ours, &why));
        strbuf_done(&out);
    }
}
