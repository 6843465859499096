/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/header.h"

enum { FOLD_WIDTH = 78 };

size_t header_name_length(struct str line)
{
    size_t end = 0;
    size_t colon;

    while (end < line.len && line.data[end] > ' ' && line.data[end] < 127 && line.data[end] != ':')
        end++;
    colon = end;
    while (colon < line.len && (line.data[colon] == ' ' || line.data[colon] == '\t'))
        colon++;
    return colon < line.len && line.data[colon] == ':' ? end : 0;
}

/* The length of the line at start with its LF. */
static size_t line_length(struct str text, size_t start)
{
    size_t newline = str_find_char(str_from(text, start), '\n');

    return newline == STR_NOT_FOUND ? text.len - start : newline + 1;
}

static bool is_continuation(struct str text, size_t start)
{
    return start < text.len && (text.data[start] == ' ' || text.data[start] == '\t');
}

static struct str without_last_newline(struct str text)
{
    return text.len > 0 && text.data[text.len - 1] == '\n' ? str_part(text, 0, text.len - 1) : text;
}

bool header_take_field(struct str *rest, struct header_field *field_out)
{
    size_t end = line_length(*rest, 0);
    size_t name_len = header_name_length(str_part(*rest, 0, end));

    if (name_len == 0)
        return false;
    while (is_continuation(*rest, end))
        end += line_length(*rest, end);
    field_out->whole = str_part(*rest, 0, end);
    field_out->name = str_part(*rest, 0, name_len);
    field_out->value = str_from(field_out->whole, str_find_char(field_out->whole, ':') + 1);
    field_out->value = without_last_newline(field_out->value);
    while (field_out->value.len > 0 && (field_out->value.data[0] == ' ' || field_out->value.data[0] == '\t'))
        field_out->value = str_from(field_out->value, 1);
    *rest = str_from(*rest, end);
    return true;
}

bool header_find_field(struct str block, struct str name, struct header_field *field_out)
{
    struct str rest = block;
    struct header_field field;

    while (header_take_field(&rest, &field)) {
        if (str_equal_nocase(field.name, name)) {
            *field_out = field;
            return true;
        }
    }
    return false;
}

bool header_unfold(struct strbuf *out, struct str value)
{
    size_t i = 0;

    while (i < value.len) {
        struct str line = str_from(value, i);

        line = str_part(line, 0, str_find_char(line, '\n'));
        strbuf_append(out, line);
        i += line.len;
        if (i == value.len)
            break;
        while (i < value.len && char_is_space(value.data[i]))
            i++;
        if (i < value.len)
            strbuf_append_char(out, ' ');
    }
    return !out->is_overflowed;
}

bool header_fold(struct strbuf *out, struct str name, struct str value)
{
    struct str rest = value, word;
    size_t column = name.len + 1;
    bool is_first = true;

    strbuf_append(out, name);
    strbuf_append_char(out, ':');
    while (str_next_word(&rest, " \t\n", &word)) {
        if (!is_first && column + 1 + word.len > FOLD_WIDTH) {
            strbuf_append(out, STR("\n\t"));
            column = 8;
        } else {
            strbuf_append_char(out, ' ');
            column++;
        }
        strbuf_append(out, word);
        column += word.len;
        is_first = false;
    }
    return strbuf_append_char(out, '\n') && !out->is_overflowed;
}
