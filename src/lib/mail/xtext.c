/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/xtext.h"

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
