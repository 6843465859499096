/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/quoted_printable.h"

/* Here a line ends: three more bytes and the soft line break are what a line may have. */
enum { LAST_COLUMN = QUOTED_PRINTABLE_LINE - 3 };

static bool is_plain(char c, bool is_at_end)
{
    if (c == ' ' || c == '\t')
        return !is_at_end;
    return char_is_print(c) && c != '=';
}

bool quoted_printable_add(struct strbuf *line, struct str *text, bool ends_line)
{
    while (text->len > 0) {
        char c = text->data[0];

        if (line->len >= LAST_COLUMN) {
            strbuf_append_char(line, '=');
            return true;
        }
        *text = str_from(*text, 1);
        if (is_plain(c, ends_line && text->len == 0))
            strbuf_append_char(line, c);
        else
            strbuf_printf(line, "=%02X", (unsigned char) c);
    }
    return false;
}
