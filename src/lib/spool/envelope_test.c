/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/bytes.h"
#include "spool/envelope.h"
#include "unit.h"

static struct envelope sample(struct arena *arena)
{
    struct envelope envelope = { .id = queue_id_make(123456789, 2, false),
                                 .arrival = { 1767225600123456 },
                                 .sender = STR("afau@example.com"),
                                 .dsn_envid = STR("QQ314159"),
                                 .dsn_return = DSN_RETURN_HEADERS,
                                 .flags = ENVELOPE_BODY_8BIT | ENVELOPE_SMTPUTF8,
                                 .rewrite = ENVELOPE_REWRITE_REMOTE,
                                 .hop_count = 3,
                                 .content_size = 4711,
                                 .content_lines = 89,
                                 .client_name = STR("mx.example.com"),
                                 .client_address = STR("192.0.2.7"),
                                 .client_port = STR("4711"),
                                 .helo = STR("mx"),
                                 .protocol = STR("ESMTP"),
                                 .message_id = STR("<1@example.com>") };
    struct envelope_recipient *recipient;

    envelope_add_recipient(&envelope, arena, STR("a@example.test"), STR("b@example.test"), STR("rfc822;b@example.test"),
                           DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY);
    recipient = envelope_add_recipient(&envelope, arena, STR("c@example.test"), STR_EMPTY, STR_EMPTY, 0);
    recipient->status = RECIPIENT_FAILED;
    recipient->dsn = DSN_STATUS(5, 1, 1);
    recipient->reason = STR("host said: no");
    envelope_add_attribute(&envelope, arena, STR("log_message_origin"), STR("local"));
    return envelope;
}

static void encode(const struct envelope *envelope, struct strbuf *out)
{
    struct failure why;

    strbuf_init(out, ENVELOPE_MAXIMUM);
    EXPECT(envelope_encode(envelope, out, &why));
}

TEST(an_envelope_comes_back_as_it_was)
{
    struct arena *arena = arena_create();
    struct envelope envelope = sample(arena);
    struct envelope again;
    struct strbuf bytes;
    struct failure why;

    encode(&envelope, &bytes);
    EXPECT(envelope_decode(strbuf_str(&bytes), arena, &again, &why));
    EXPECT_UINT(again.id.value, envelope.id.value);
    EXPECT_INT(again.arrival.us, envelope.arrival.us);
    EXPECT_STR(again.sender, envelope.sender);
    EXPECT_STR(again.dsn_envid, envelope.dsn_envid);
    EXPECT_INT(again.dsn_return, DSN_RETURN_HEADERS);
    EXPECT_UINT(again.flags, envelope.flags);
    EXPECT_INT(again.rewrite, ENVELOPE_REWRITE_REMOTE);
    EXPECT_UINT(again.hop_count, 3);
    EXPECT_UINT(again.content_size, 4711);
    EXPECT_UINT(again.content_lines, 89);
    EXPECT_UINT(envelope_wire_size(&again), 4800);
    EXPECT_STR(again.client_name, envelope.client_name);
    EXPECT_STR(again.client_port, envelope.client_port);
    EXPECT_STR(again.protocol, envelope.protocol);
    EXPECT_STR(again.message_id, envelope.message_id);
    EXPECT_STR(envelope_attribute(&again, STR("log_message_origin")), STR("local"));
    EXPECT_STR(envelope_attribute(&again, STR("other")), STR_EMPTY);
    EXPECT_UINT(again.recipient_count, 2);
    EXPECT_STR(again.recipients[0].address, STR("a@example.test"));
    EXPECT_STR(again.recipients[0].original, STR("b@example.test"));
    EXPECT_STR(again.recipients[0].dsn_original, STR("rfc822;b@example.test"));
    EXPECT_UINT(again.recipients[0].dsn_notify, DSN_NOTIFY_SUCCESS | DSN_NOTIFY_DELAY);
    EXPECT_INT(again.recipients[0].status, RECIPIENT_PENDING);
    EXPECT_INT(again.recipients[1].status, RECIPIENT_FAILED);
    EXPECT_UINT(again.recipients[1].dsn.class, 5);
    EXPECT_UINT(again.recipients[1].dsn.detail, 1);
    EXPECT_STR(again.recipients[1].reason, STR("host said: no"));
    strbuf_done(&bytes);
    arena_destroy(&arena);
}

TEST(the_null_sender_and_an_empty_recipient_list_are_kept)
{
    struct arena *arena = arena_create();
    struct envelope envelope = { .id = queue_id_make(1, 0, false) };
    struct envelope again;
    struct strbuf bytes;
    struct failure why;

    encode(&envelope, &bytes);
    EXPECT(envelope_decode(strbuf_str(&bytes), arena, &again, &why));
    EXPECT_UINT(again.sender.len, 0);
    EXPECT_UINT(again.recipient_count, 0);
    strbuf_done(&bytes);
    arena_destroy(&arena);
}

TEST(fields_of_a_later_version_survive)
{
    struct arena *arena = arena_create();
    struct envelope envelope = sample(arena);
    struct envelope again;
    struct strbuf bytes;
    struct failure why;
    size_t len;

    encode(&envelope, &bytes);
    bytes_append_field(&bytes, 200, STR("from the future"));
    len = bytes.len;
    EXPECT(envelope_decode(strbuf_str(&bytes), arena, &again, &why));
    strbuf_done(&bytes);
    encode(&again, &bytes);
    EXPECT_UINT(bytes.len, len);
    EXPECT(str_find(strbuf_str(&bytes), STR("from the future")) != STR_NOT_FOUND);
    strbuf_done(&bytes);
    arena_destroy(&arena);
}

TEST(too_much_of_a_later_version_is_refused)
{
    struct arena *arena = arena_create();
    struct envelope envelope = sample(arena);
    struct strbuf bytes;
    struct failure why;
    char large[5000] = { 0 };

    encode(&envelope, &bytes);
    bytes_append_field(&bytes, 200, str_make(large, sizeof(large)));
    EXPECT_FALSE(envelope_decode(strbuf_str(&bytes), arena, &envelope, &why));
    EXPECT_INT(why.kind, FAILURE_PERMANENT);
    strbuf_done(&bytes);
    arena_destroy(&arena);
}

TEST(another_version_is_left_alone)
{
    struct arena *arena = arena_create();
    struct envelope envelope;
    struct failure why;

    EXPECT_FALSE(envelope_decode(STR("\x02"), arena, &envelope, &why));
    EXPECT_INT(why.kind, FAILURE_PERMANENT);
    EXPECT_FALSE(envelope_decode(STR_EMPTY, arena, &envelope, &why));
    EXPECT_FALSE(envelope_decode(STR("\x01"), arena, &envelope, &why));
    arena_destroy(&arena);
}

TEST(no_prefix_of_an_envelope_crashes_the_decoder)
{
    struct arena *arena = arena_create();
    struct envelope envelope = sample(arena);
    struct envelope again;
    struct strbuf bytes;
    struct failure why;

    encode(&envelope, &bytes);
    for (size_t len = 0; len < bytes.len; len++)
        (void) !envelope_decode(str_part(strbuf_str(&bytes), 0, len), arena, &again, &why);
    for (size_t i = 0; i < bytes.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char) (bytes.data[i] ^ (1 << bit));
            (void) !envelope_decode(strbuf_str(&bytes), arena, &again, &why);
            bytes.data[i] = (char) (bytes.data[i] ^ (1 << bit));
        }
    }
    EXPECT(envelope_decode(strbuf_str(&bytes), arena, &again, &why));
    strbuf_done(&bytes);
    arena_destroy(&arena);
}

TEST(numbers_out_of_range_are_refused)
{
    static const struct {
        unsigned tag;
        uint64_t number;
    } bad[] = { { 2, UINT64_MAX }, { 5, 9 }, { 6, UINT64_MAX }, { 7, 7 }, { 8, UINT64_MAX }, { 9, UINT64_MAX } };
    struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        struct envelope envelope = sample(arena);
        struct strbuf bytes;
        struct failure why;

        encode(&envelope, &bytes);
        bytes_append_number(&bytes, bad[i].tag, bad[i].number);
        EXPECT_FALSE(envelope_decode(strbuf_str(&bytes), arena, &envelope, &why));
        strbuf_done(&bytes);
    }
    arena_destroy(&arena);
}

TEST(strings_have_a_maximum)
{
    struct arena *arena = arena_create();
    char *large = arena_alloc(arena, ENVELOPE_STRING_MAXIMUM + 1);
    struct envelope envelope = sample(arena);
    struct strbuf bytes;
    struct failure why;

    strbuf_init(&bytes, ENVELOPE_MAXIMUM);
    envelope.sender = str_make(large, ENVELOPE_STRING_MAXIMUM + 1);
    EXPECT_FALSE(envelope_encode(&envelope, &bytes, &why));
    strbuf_clear(&bytes);
    envelope.sender = STR_EMPTY;
    envelope_add_attribute(&envelope, arena, STR("x"), str_make(large, ENVELOPE_STRING_MAXIMUM + 1));
    EXPECT_FALSE(envelope_encode(&envelope, &bytes, &why));
    strbuf_clear(&bytes);
    bytes_append_number(&bytes, 0, 0);
    strbuf_done(&bytes);

    envelope = sample(arena);
    encode(&envelope, &bytes);
    bytes_append_field(&bytes, 3, str_make(large, ENVELOPE_STRING_MAXIMUM + 1));
    EXPECT_FALSE(envelope_decode(strbuf_str(&bytes), arena, &envelope, &why));
    strbuf_done(&bytes);
    strbuf_init(&bytes, 10);
    envelope = sample(arena);
    EXPECT_FALSE(envelope_encode(&envelope, &bytes, &why));
    strbuf_done(&bytes);
    arena_destroy(&arena);
}

TEST(recipients_are_kept_apart_for_files)
{
    struct arena *arena = arena_create();
    struct envelope envelope = sample(arena);
    struct envelope again;
    struct strbuf head;
    struct strbuf recipients;
    struct failure why;

    strbuf_init(&head, ENVELOPE_MAXIMUM);
    strbuf_init(&recipients, ENVELOPE_MAXIMUM);
    EXPECT(envelope_encode_head(&envelope, &head, &why));
    EXPECT(envelope_encode_recipients(&envelope, 1, 10, &recipients, &why));
    EXPECT(envelope_decode(strbuf_str(&head), arena, &again, &why));
    EXPECT(envelope_decode_recipients(strbuf_str(&recipients), arena, &again, &why));
    EXPECT_UINT(again.recipient_count, 1);
    EXPECT_STR(again.recipients[0].address, STR("c@example.test"));
    EXPECT_FALSE(envelope_decode_recipients(STR("\x03\x01x"), arena, &again, &why));
    EXPECT_FALSE(envelope_decode_recipients(STR("\x1d\x02\x01"), arena, &again, &why));
    EXPECT_FALSE(envelope_decode_recipients(STR("\x1d\x03\x05\x01\x09"), arena, &again, &why));
    EXPECT_FALSE(envelope_decode_recipients(STR("\x1d\x02\x05\x09"), arena, &again, &why));
    strbuf_done(&head);
    strbuf_done(&recipients);
    arena_destroy(&arena);
}

TEST(leb128_numbers_have_one_length_limit)
{
    struct cursor cursor;
    unsigned char digits[BYTES_LEB128_SIZE];
    uint64_t value;

    cursor = cursor_over(str_make((const char *) digits, bytes_put_leb128(digits, UINT64_MAX)));
    EXPECT(bytes_take_leb128(&cursor, &value));
    EXPECT(value == UINT64_MAX && cursor_at_end(&cursor));
    cursor = cursor_over(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
    EXPECT_FALSE(bytes_take_leb128(&cursor, &value));
    cursor = cursor_over(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    EXPECT_FALSE(bytes_take_leb128(&cursor, &value));
    cursor = cursor_over(STR("\x80"));
    EXPECT_FALSE(bytes_take_leb128(&cursor, &value));
    EXPECT_FALSE(bytes_number(STR("\x01\x01"), &value));
}
