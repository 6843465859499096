/* SPDX-License-Identifier: Apache-2.0 */
#include "log/text.h"

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

void log_text_neuter(struct strbuf *line, struct str text, size_t max, bool may_be_utf8)
{
    size_t end = line->len + max;

    while (text.len > 0) {
        size_t run = 0;

        while (run < text.len && char_is_print(text.data[run]))
            run++;
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
