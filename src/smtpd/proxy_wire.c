/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/proxy_wire.h"

#include "mail/reply.h"

/* ---- content ---- */

static void append_part(const struct proxy_content *content, struct str part, struct strbuf *out)
{
    size_t start = out->len;

    strbuf_append(out, part);
    if (!content->replaces_returns)
        return;
    for (char *c = memchr(out->data + start, '\r', out->len - start); c != NULL;
         c = memchr(c, '\r', out->len - (size_t) (c - out->data)))
        *c = ' ';
}

void proxy_content_append(struct proxy_content *content, struct str piece, struct strbuf *out)
{
    while (piece.len > 0) {
        const char *end = memchr(piece.data, '\n', piece.len);
        size_t len = end != NULL ? (size_t) (end - piece.data) : piece.len;

        if (!content->is_within_line && piece.data[0] == '.')
            strbuf_append_char(out, '.');
        if (len > 0)
            append_part(content, str_part(piece, 0, len), out);
        content->is_within_line = end == NULL;
        if (end == NULL)
            return;
        strbuf_append(out, STR("\r\n"));
        piece = str_from(piece, len + 1);
    }
}

void proxy_content_complete(struct proxy_content *content, struct strbuf *out)
{
    if (content->is_within_line)
        strbuf_append(out, STR("\r\n"));
    content->is_within_line = false;
}

bool proxy_command_is_clean(struct str line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char) line.data[i];

        if ((c < ' ' && c != '\t') || c == 127)
            return false;
    }
    return true;
}

/* ---- replies ---- */

static struct str tame(struct str line, struct arena *arena)
{
    char *copy = arena_alloc(arena, line.len + 1);

    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char) line.data[i];

        copy[i] = c < ' ' || c == 127 ? '?' : line.data[i];
    }
    return str_make(copy, line.len);
}

static struct str without_end(struct str line)
{
    if (line.len > 0 && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

static enum proxy_reply_state judge(struct proxy_reply *reply, struct str line)
{
    bool is_last;
    struct str text;
    int code;

    if (!reply_parse_line(line, &code, &is_last, &text) || (reply->code != 0 && code != reply->code))
        return PROXY_REPLY_BROKEN;
    reply->code = code;
    if (is_last)
        return PROXY_REPLY_COMPLETE;
    return reply->lines.count < PROXY_REPLY_LINES_MAXIMUM ? PROXY_REPLY_OPEN : PROXY_REPLY_BROKEN;
}

enum proxy_reply_state proxy_reply_take(struct proxy_reply *reply, struct str line, struct arena *arena)
{
    bool is_ended = line.len > 0 && line.data[line.len - 1] == '\n';
    bool is_start = !reply->is_within_line;

    if (reply->pieces++ >= PROXY_REPLY_PIECES_MAXIMUM)
        return PROXY_REPLY_BROKEN;
    reply->is_within_line = !is_ended;
    reply->is_cut |= !is_ended;
    if (is_start)
        strlist_add_view(&reply->lines, arena, tame(without_end(line), arena));
    /* A line is judged where it ends: nothing may follow that would be taken for the next. */
    return is_ended ? judge(reply, reply->lines.items[reply->lines.count - 1]) : PROXY_REPLY_OPEN;
}

static struct str join(const struct proxy_reply *reply, struct str between, struct arena *arena)
{
    struct strbuf text;
    struct str joined;

    strbuf_init(&text, STRBUF_UNLIMITED);
    for (size_t i = 0; i < reply->lines.count; i++) {
        if (i > 0)
            strbuf_append(&text, between);
        strbuf_append(&text, reply->lines.items[i]);
    }
    joined = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return joined;
}

struct str proxy_reply_shown(const struct proxy_reply *reply, struct arena *arena)
{
    return join(reply, STR("??"), arena);
}

struct str proxy_reply_text(const struct proxy_reply *reply, struct arena *arena)
{
    return join(reply, STR("\n"), arena);
}
