/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/bytes.h"

size_t bytes_put_leb128(unsigned char *at, uint64_t value)
{
    size_t count = 0;

    while (value >= 0x80) {
        at[count++] = (unsigned char) (value | 0x80);
        value >>= 7;
    }
    at[count++] = (unsigned char) value;
    return count;
}

bool bytes_append_leb128(struct strbuf *out, uint64_t value)
{
    unsigned char digits[BYTES_LEB128_SIZE];

    return strbuf_append_bytes(out, digits, bytes_put_leb128(digits, value));
}

bool bytes_take_leb128(struct cursor *cursor, uint64_t *value_out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < cursor->rest.len && i < BYTES_LEB128_SIZE; i++) {
        unsigned char byte = (unsigned char) cursor->rest.data[i];

        if (i == BYTES_LEB128_SIZE - 1 && byte > 1)
            return false;
        value |= (uint64_t) (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            cursor->rest = str_from(cursor->rest, i + 1);
            *value_out = value;
            return true;
        }
    }
    return false;
}

bool bytes_append_field(struct strbuf *out, unsigned tag, struct str value)
{
    unsigned char head[1 + BYTES_LEB128_SIZE] = { (unsigned char) tag };

    strbuf_append_bytes(out, head, 1 + bytes_put_leb128(head + 1, value.len));
    strbuf_append(out, value);
    return !out->is_overflowed;
}

bool bytes_append_number(struct strbuf *out, unsigned tag, uint64_t value)
{
    unsigned char digits[BYTES_LEB128_SIZE];
    size_t count = bytes_put_leb128(digits, value);

    return bytes_append_field(out, tag, str_make((const char *) digits, count));
}

bool bytes_take_field(struct cursor *cursor, unsigned *tag_out, struct str *value_out)
{
    struct cursor ahead = *cursor;
    uint64_t len;
    char tag;

    if (!cursor_take_char(&ahead, &tag) || !bytes_take_leb128(&ahead, &len) || len > ahead.rest.len)
        return false;
    if (!cursor_take(&ahead, (size_t) len, value_out))
        return false;
    *tag_out = (unsigned char) tag;
    *cursor = ahead;
    return true;
}

bool bytes_number(struct str value, uint64_t *number_out)
{
    struct cursor cursor = cursor_over(value);
    uint64_t number;

    if (!bytes_take_leb128(&cursor, &number) || !cursor_at_end(&cursor))
        return false;
    *number_out = number;
    return true;
}
