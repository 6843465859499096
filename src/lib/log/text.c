/* SPDX-License-Identifier: Apache-2.0 */
#include "log/text.h"

#include <string.h>

/* Length of the well-formed UTF-8 character (RFC 3629, section 4) that text begins with, 0 if there is none. */
static size_t utf8_length(struct str text)
{
    const unsigned char *bytes = (const unsigned char *) text.data;
    size_t len = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
    unsigned lowest = 0x80, highest = 0xbf;

    if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || text.len < len)
        return 0;
    if (bytes[0] == 0xe0)
        lowest = 0xa0;
    if (bytes[0] == 0xed)
        highest = 0x9f;
    if (bytes[0] == 0xf0)
        lowest = 0x90;
    if (bytes[0] == 0xf4)
        highest = 0x8f;
    if (bytes[1] < lowest || bytes[1] > highest)
        return 0;
    for (size_t i = 2; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    }
    /* The control characters of C1 are no text. */
    return bytes[0] == 0xc2 && bytes[1] < 0xa0 ? 0 : len;
}

/* How many printable characters it begins with: eight at a time, while none of them makes a byte's highest bit. */
static size_t printable_run(struct str text)
{
    const uint64_t ones = 0x0101010101010101, highest = 0x80 * ones;
    size_t run = 0;
    uint64_t eight;

    for (; text.len - run >= sizeof eight; run += sizeof eight) {
        memcpy(&eight, text.data + run, sizeof eight);
        if (((eight | (eight - ' ' * ones) | (eight + ones)) & highest) != 0)
            break;
    }
    while (run < text.len && char_is_print(text.data[run]))
        run++;
    return run;
}

void log_text_neuter(struct strbuf *line, struct str text, size_t max, bool may_be_utf8)
{
    size_t end = line->len + max;

    while (text.len > 0) {
        size_t run = printable_run(text);

        if (run == 0 && may_be_utf8)
            run = utf8_length(text);
        if (run == 0) {
            if (line->len < end)
                strbuf_append_char(line, '?');
            text = str_from(text, 1);
            continue;
        }
        if (line->len + run > end) {
            if (char_is_print(text.data[0]))
                strbuf_append(line, str_part(text, 0, end - line->len));
            return;
        }
        strbuf_append(line, str_part(text, 0, run));
        text = str_from(text, run);
    }
}

void log_text_escape(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        if (c == '\r')
            strbuf_append_c(out, "\\r");
        else if (c == '\n')
            strbuf_append_c(out, "\\n");
        else if (c == '\t')
            strbuf_append_c(out, "\\t");
        else if (c == '\b')
            strbuf_append_c(out, "\\b");
        else if (c == '\f')
            strbuf_append_c(out, "\\f");
        else if (c == '\v')
            strbuf_append_c(out, "\\v");
        else if (c == '\a')
            strbuf_append_c(out, "\\a");
        else if (c == '\\')
            strbuf_append_c(out, "\\\\");
        else if (c < ' ' || c >= 127)
            strbuf_printf(out, "\\%03o", c);
        else
            strbuf_append_char(out, (char) c);
    }
}
