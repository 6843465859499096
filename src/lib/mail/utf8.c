/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/utf8.h"

uint32_t utf8_take(struct str *text)
{
    unsigned char first = (unsigned char) text->data[0];
    size_t len = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    uint32_t code = len == 1 ? first : first & (0x7fu >> len);

    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char) text->data[i] & 0x3fu);
    *text = str_from(*text, len);
    return code;
}

bool utf8_is_character(uint32_t code)
{
    return code <= UTF8_LAST && (code < 0xd800 || code > 0xdfff);
}

void utf8_append(struct strbuf *out, uint32_t code)
{
    if (code < 0x80) {
        strbuf_append_char(out, (char) code);
        return;
    }
    if (code < 0x800) {
        strbuf_append_char(out, (char) (0xc0 | code >> 6));
    } else {
        if (code < 0x10000) {
            strbuf_append_char(out, (char) (0xe0 | code >> 12));
        } else {
            strbuf_append_char(out, (char) (0xf0 | code >> 18));
            strbuf_append_char(out, (char) (0x80 | (code >> 12 & 0x3f)));
        }
        strbuf_append_char(out, (char) (0x80 | (code >> 6 & 0x3f)));
    }
    strbuf_append_char(out, (char) (0x80 | (code & 0x3f)));
}
