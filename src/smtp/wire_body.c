/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/wire_body.h"

void wire_body_init(struct wire_body *body, size_t line_limit)
{
    *body = (struct wire_body){ .line_limit = line_limit };
}

static void start_line(struct wire_body *body, char first, struct strbuf *out)
{
    if (body->column == 0 && first == '.')
        strbuf_append_char(out, '.');
}

/* Part of a line, without line end. */
static void add_text(struct wire_body *body, struct str text, struct strbuf *out)
{
    while (text.len > 0) {
        size_t room = text.len;

        start_line(body, text.data[0], out);
        if (body->line_limit > 0 && body->column + text.len > body->line_limit)
            room = body->column < body->line_limit ? body->line_limit - body->column : 0;
        strbuf_append(out, str_part(text, 0, room));
        body->column += room;
        text = str_from(text, room);
        if (text.len > 0) {
            strbuf_append(out, STR("\r\n "));
            body->column = 1;
            body->has_broken = true;
        }
    }
}

/* RFC 5321 section 2.3.8: a CR stands only before LF. */
static void add_part(struct wire_body *body, struct str text, struct strbuf *out)
{
    while (text.len > 0) {
        size_t cr = str_find_char(text, '\r');

        if (body->has_cr)
            add_text(body, STR(" "), out);
        body->has_cr = cr != STR_NOT_FOUND;
        add_text(body, body->has_cr ? str_part(text, 0, cr) : text, out);
        text = body->has_cr ? str_from(text, cr + 1) : STR_EMPTY;
    }
}

static void end_line(struct wire_body *body, struct strbuf *out)
{
    strbuf_append(out, STR("\r\n"));
    body->column = 0;
    body->has_cr = false;
}

static bool is_plain(const struct wire_body *body, struct str line)
{
    return body->column == 0 && !body->has_cr && (body->line_limit == 0 || line.len <= body->line_limit);
}

/* A whole line of which nothing is changed, as nearly all are. False when there is no room for it. */
static bool add_plain_line(struct str line, struct strbuf *out)
{
    size_t dots = str_starts_with(line, STR(".")) ? 1 : 0;
    size_t len = dots + line.len + 2;
    char *place = strbuf_reserve(out, len);

    if (place == NULL)
        return false;
    /* UNSAFE: len bytes were reserved */
    place[0] = '.';
    if (line.len > 0)
        memcpy(place + dots, line.data, line.len);
    memcpy(place + dots + line.len, "\r\n", 2);
    strbuf_extend(out, len);
    return true;
}

void wire_body_add(struct wire_body *body, struct str piece, struct strbuf *out)
{
    bool has_cr = str_contains_char(piece, '\r');

    while (piece.len > 0) {
        size_t end = str_find_char(piece, '\n');

        if (!has_cr && end != STR_NOT_FOUND && is_plain(body, str_part(piece, 0, end)) &&
            add_plain_line(str_part(piece, 0, end), out)) {
            piece = str_from(piece, end + 1);
            continue;
        }
        add_part(body, end == STR_NOT_FOUND ? piece : str_part(piece, 0, end), out);
        if (end == STR_NOT_FOUND)
            return;
        end_line(body, out);
        piece = str_from(piece, end + 1);
    }
}

void wire_body_end(struct wire_body *body, struct strbuf *out)
{
    if (body->column > 0 || body->has_cr)
        end_line(body, out);
    strbuf_append(out, STR(".\r\n"));
}
