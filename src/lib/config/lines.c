/* SPDX-License-Identifier: Apache-2.0 */
#include "config/lines.h"

static bool is_blank_or_comment(struct str line)
{
    struct str rest = str_trim_left(line);

    while (rest.len > 0 && char_is_space(rest.data[0]))
        rest = str_from(rest, 1);
    return rest.len == 0 || rest.data[0] == '#';
}

struct logical_lines logical_lines_over(struct str text)
{
    return (struct logical_lines){ .cursor = cursor_over(text), .next_number = 1 };
}

/* A last line without LF counts; a CR before the LF is part of no value. */
static bool take_physical_line(struct logical_lines *lines, struct str *line_out)
{
    if (!cursor_take_line(&lines->cursor, line_out))
        return false;
    lines->next_number++;
    return true;
}

static bool take_first_part(struct logical_lines *lines, struct str *part_out, unsigned *number_out)
{
    do {
        *number_out = lines->next_number;
        if (!take_physical_line(lines, part_out))
            return false;
    } while (is_blank_or_comment(*part_out));
    return true;
}

bool logical_lines_next(struct logical_lines *lines, struct strbuf *buffer, struct logical_line *line_out)
{
    struct str part;
    unsigned number;

    if (!take_first_part(lines, &part, &number))
        return false;
    strbuf_clear(buffer);
    strbuf_append(buffer, part);
    line_out->number = number;
    line_out->is_without_start = char_is_space(part.data[0]);
    for (;;) {
        struct logical_lines before = *lines;

        if (!take_physical_line(lines, &part))
            break;
        if (is_blank_or_comment(part))
            continue;
        if (!char_is_space(part.data[0])) {
            *lines = before;
            break;
        }
        strbuf_append(buffer, part);
    }
    line_out->text = strbuf_str(buffer);
    return true;
}
