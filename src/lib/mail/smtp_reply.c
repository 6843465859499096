/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/smtp_reply.h"

#include "mail/reply.h"

void smtp_reply_init(struct smtp_reply *reply)
{
    *reply = (struct smtp_reply){ .code = 0 };
    strbuf_init(&reply->text, SMTP_REPLY_MAX);
}

void smtp_reply_done(struct smtp_reply *reply)
{
    strbuf_done(&reply->text);
}

void smtp_reply_clear(struct smtp_reply *reply)
{
    reply->code = 0;
    reply->dsn = DSN_STATUS(0, 0, 0);
    reply->line_count = 0;
    strbuf_clear(&reply->text);
}

int smtp_reply_class(const struct smtp_reply *reply)
{
    return reply->code / 100;
}

/* RFC 5321 section 4.2.1: all lines bear the same code; servers that differ in the last two digits are borne with. */
static bool take_code(struct smtp_reply *reply, int code, struct str text)
{
    if (reply->line_count > 1 && code / 100 != reply->code / 100)
        return false;
    reply->code = code;
    reply->dsn = dsn_status_of_reply(code, text);
    return true;
}

enum smtp_reply_progress smtp_reply_add_line(struct smtp_reply *reply, struct str line)
{
    struct str text;
    bool is_last;
    int code;

    line = str_part(line, 0, SMTP_REPLY_LINE_MAX);
    if (reply->line_count++ > 0)
        strbuf_append_char(&reply->text, '\n');
    strbuf_append(&reply->text, line);
    if (!reply_parse_line(line, &code, &is_last, &text) || !take_code(reply, code, text))
        return SMTP_REPLY_BROKEN;
    if (is_last)
        return SMTP_REPLY_COMPLETE;
    if (reply->text.is_overflowed || reply->line_count >= SMTP_REPLY_LINES_MAX)
        return SMTP_REPLY_BROKEN;
    return SMTP_REPLY_MORE;
}

bool smtp_reply_next_line(const struct smtp_reply *reply, size_t *place, struct str *text_out)
{
    struct str rest = str_from(strbuf_str(&reply->text), *place);
    struct str line, tail;

    if (*place >= reply->text.len)
        return false;
    str_cut(rest, '\n', &line, &tail);
    *place += line.len + 1;
    *text_out = str_from(line, 4);
    return true;
}

struct str smtp_reply_on_one_line(const struct smtp_reply *reply, struct arena *arena)
{
    char *text = arena_c(arena, strbuf_str(&reply->text));
    size_t len = reply->text.len;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n')
            text[i] = ' ';
    }
    return str_make(text, len);
}
