/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/encoded_word.h"

#include "mail/domain.h"
#include "mail/utf8.h"

#include <string.h>

/* "=?", "?Q?" and "?=" stand around. */
enum { WORD_LONGEST = 75, AROUND = 7, TEXT_LEAST = 12 };

/* What RFC 2047 section 5 allows in a phrase. */
static bool is_itself(char c)
{
    return char_is_alnum(c) || (c != '\0' && strchr("!*+-/", c) != NULL);
}

static size_t length_in_q(struct str text)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++)
        len += is_itself(text.data[i]) || text.data[i] == ' ' ? 1 : 3;
    return len;
}

static size_t length_in_b(size_t len)
{
    return (len + 2) / 3 * 4;
}

static void append_q(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == ' ')
            strbuf_append_char(out, '_');
        else if (is_itself(c))
            strbuf_append_char(out, c);
        else
            strbuf_printf(out, "=%02X", (unsigned char) c);
    }
}

static void append_b(struct strbuf *out, struct str text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < text.len; i += 3) {
        size_t here = text.len - i < 3 ? text.len - i : 3;
        uint32_t bits = 0;

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < here ? (unsigned char) text.data[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            strbuf_append_char(out, k <= here ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
}

/* The bytes of the first character. */
static size_t character_length(struct str text, bool is_utf8)
{
    struct str rest = text;

    if (!is_utf8)
        return 1;
    (void) utf8_take(&rest);
    return text.len - rest.len;
}

/* As many whole characters as a word has room for, one at least. */
static struct str take_part(struct str *text, bool is_q, bool is_utf8, size_t room)
{
    struct str all = *text;
    size_t len = 0;

    while (text->len > 0) {
        size_t more = len + character_length(*text, is_utf8);
        size_t encoded = is_q ? length_in_q(str_part(all, 0, more)) : length_in_b(more);

        if (len > 0 && encoded > room)
            break;
        len = more;
        *text = str_from(all, len);
    }
    return str_part(all, 0, len);
}

bool encoded_words_append(struct strbuf *out, struct str charset, struct str text)
{
    bool is_q = length_in_q(text) <= length_in_b(text.len);
    bool is_utf8 = domain_is_utf8(text);
    size_t around = AROUND + charset.len;
    size_t room = around + TEXT_LEAST < WORD_LONGEST ? WORD_LONGEST - around : TEXT_LEAST;
    const char *separator = "";

    while (text.len > 0) {
        struct str part = take_part(&text, is_q, is_utf8, room);

        strbuf_printf(out, "%s=?%.*s?%c?", separator, STR_ARG(charset), is_q ? 'Q' : 'B');
        if (is_q)
            append_q(out, part);
        else
            append_b(out, part);
        strbuf_append(out, STR("?="));
        separator = " ";
    }
    return !out->is_overflowed;
}
