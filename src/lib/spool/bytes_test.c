/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/bytes.h"

#include "unit.h"

TEST(integers_are_little_endian)
{
    unsigned char bytes[8];

    bytes_put_u32(bytes, 0x01020304);
    EXPECT(memcmp(bytes, "\x04\x03\x02\x01", 4) == 0);
    EXPECT_UINT(bytes_get_u32(bytes), 0x01020304);
    bytes_put_u64(bytes, UINT64_C(0xfffefdfc01020304));
    EXPECT(memcmp(bytes, "\x04\x03\x02\x01\xfc\xfd\xfe\xff", 8) == 0);
    EXPECT_UINT(bytes_get_u64(bytes), UINT64_C(0xfffefdfc01020304));
}

TEST(numbers_take_seven_bits_a_byte)
{
    static const struct {
        uint64_t number;
        size_t len;
    } rows[] = {
        { 0, 1 }, { 1, 1 }, { 127, 1 }, { 128, 2 }, { 16383, 2 }, { 16384, 3 }, { UINT64_MAX, BYTES_LEB128_SIZE },
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        unsigned char bytes[BYTES_LEB128_SIZE];
        size_t len = bytes_put_leb128(bytes, rows[i].number);
        struct cursor cursor = cursor_over(str_make((const char *) bytes, len));
        uint64_t number = 0;

        EXPECT_UINT(len, rows[i].len);
        EXPECT(bytes_take_leb128(&cursor, &number));
        EXPECT_UINT(number, rows[i].number);
        EXPECT(cursor_at_end(&cursor));
        EXPECT(bytes_number(str_make((const char *) bytes, len), &number));
    }
}

TEST(numbers_that_do_not_end_or_fit_are_refused)
{
    static const struct str rows[] = {
        STR(""),
        STR("\x80"),
        STR("\xff\xff"),
        STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
        STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct cursor cursor = cursor_over(rows[i]);
        uint64_t number;

        EXPECT_FALSE(bytes_take_leb128(&cursor, &number));
        EXPECT_UINT(cursor.rest.len, rows[i].len);
    }
}

TEST(a_number_has_its_field_for_itself)
{
    uint64_t number = 5;

    EXPECT_FALSE(bytes_number(STR("\x01\x01"), &number));
    EXPECT_FALSE(bytes_number(STR(""), &number));
    EXPECT_UINT(number, 5);
}

TEST(fields_come_back_in_their_order)
{
    struct cursor cursor;
    struct strbuf out;
    struct str value;
    uint64_t number;
    unsigned tag;

    strbuf_init(&out, 1000);
    EXPECT(bytes_append_field(&out, 7, STR("text")));
    EXPECT(bytes_append_number(&out, 200, 300));
    cursor = cursor_over(strbuf_str(&out));
    EXPECT(bytes_take_field(&cursor, &tag, &value));
    EXPECT_UINT(tag, 7);
    EXPECT_STR(value, STR("text"));
    EXPECT(bytes_take_field(&cursor, &tag, &value));
    EXPECT_UINT(tag, 200);
    EXPECT(bytes_number(value, &number));
    EXPECT_UINT(number, 300);
    EXPECT(cursor_at_end(&cursor));
    cursor = cursor_over(str_part(strbuf_str(&out), 0, 4));
    EXPECT_FALSE(bytes_take_field(&cursor, &tag, &value));
    strbuf_done(&out);
}
