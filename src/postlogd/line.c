/* SPDX-License-Identifier: Apache-2.0 */
#include "postlogd/line.h"

#include "log/log.h"
#include "log/text.h"

enum { STAMP_LEN = 15 };

/* "Nov 22 01:02:03 ": a digit where '0' stands, a letter where 'a' does; '1' is a digit or a space. */
static bool has_stamp(struct str line)
{
    static const char shape[] = "aaa 10 00:00:00 ";

    if (line.len < STAMP_LEN + 1)
        return false;
    for (size_t i = 0; i <= STAMP_LEN; i++) {
        char c = line.data[i];
        bool is_right = shape[i] == 'a'   ? char_is_alpha(c)
                        : shape[i] == '0' ? char_is_digit(c)
                        : shape[i] == '1' ? char_is_digit(c) || c == ' '
                                          : c == shape[i];

        if (!is_right)
            return false;
    }
    return true;
}

void line_append(struct strbuf *output, struct str line, struct str host, struct str time_now)
{
    struct str stamp = time_now;

    if (has_stamp(line)) {
        stamp = str_part(line, 0, STAMP_LEN);
        line = str_from(line, STAMP_LEN + 1);
    }
    strbuf_append(output, stamp);
    strbuf_append_char(output, ' ');
    strbuf_append(output, host);
    strbuf_append_char(output, ' ');
    log_text_neuter(output, line, LOG_LINE_MAX + 200, true);
    strbuf_append_char(output, '\n');
}
