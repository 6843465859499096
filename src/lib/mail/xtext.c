/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/xtext.h"

#include "mail/domain.h"
#include "mail/utf8.h"

#include <string.h>

static bool must_be_encoded(char c, const char *special)
{
    return (c <= ' ' && c >= 0) || c == 127 || c == '+' || c == '=' || (c >= 0 && strchr(special, c) != NULL);
}

bool xtext_encode(struct strbuf *out, struct str text, const char *special)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c >= 128 || must_be_encoded((char) c, special))
            strbuf_printf(out, "+%02X", c);
        else
            strbuf_append_char(out, (char) c);
    }
    return !out->is_overflowed;
}

/* RFC 3461 allows upper case only; lower case is read all the same. */
static int hex_digit(char c)
{
    if (char_is_digit(c))
        return c - '0';
    c = char_to_upper(c);
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool xtext_decode(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '+') {
            bool is_whole = i + 2 < text.len;
            int high = is_whole ? hex_digit(text.data[i + 1]) : -1;
            int low = is_whole ? hex_digit(text.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char) (high * 16 + low);
            i += 2;
        } else if ((c >= 0 && c <= ' ') || c == 127 || c == '=') {
            return false;
        }
        strbuf_append_char(out, c);
    }
    return !out->is_overflowed;
}

static bool stands_for_itself(uint32_t code)
{
    return code > ' ' && code < 127 && code != '\\' && code != '+' && code != '=';
}

bool xtext_encode_utf8(struct strbuf *out, struct str text)
{
    bool is_utf8 = domain_is_utf8(text);

    while (text.len > 0) {
        unsigned char first = (unsigned char) text.data[0];
        uint32_t code = first;

        if (is_utf8)
            code = utf8_take(&text);
        else
            text = str_from(text, 1);
        if (!is_utf8 && first >= 0x80)
            code = 0xfffd;
        if (stands_for_itself(code))
            strbuf_append_char(out, (char) code);
        else
            strbuf_printf(out, "\\x{%02X}", (unsigned) code);
    }
    return !out->is_overflowed;
}

/* The number of "\x{HEX}", which rest begins with; false if it is no character's. */
static bool take_escape(struct str *rest, uint32_t *code_out)
{
    uint32_t code = 0;
    size_t i = 3;

    for (; i < rest->len && hex_digit(rest->data[i]) >= 0 && code <= UTF8_LAST; i++)
        code = code * 16 + (uint32_t) hex_digit(rest->data[i]);
    if (i == 3 || i >= rest->len || rest->data[i] != '}' || !utf8_is_character(code))
        return false;
    *rest = str_from(*rest, i + 1);
    *code_out = code;
    return true;
}

bool xtext_decode_utf8(struct strbuf *out, struct str text)
{
    if (!domain_is_utf8(text))
        return false;
    while (text.len > 0) {
        char c = text.data[0];
        uint32_t code;

        if ((c >= 0 && c <= ' ') || c == 127)
            return false;
        if (!str_starts_with(text, STR("\\x{")))
            code = utf8_take(&text);
        else if (!take_escape(&text, &code))
            return false;
        utf8_append(out, code);
    }
    return !out->is_overflowed;
}
