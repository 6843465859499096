/* SPDX-License-Identifier: Apache-2.0 */
#include "table/tcp_reply.h"

#include "base/arena.h"
#include "base/strbuf.h"
#include "run/stream.h"

struct str tcp_reply_request(struct str key, struct arena *arena)
{
    struct strbuf text;
    struct str request;

    strbuf_init(&text, STRBUF_UNLIMITED);
    strbuf_append_c(&text, "get ");
    for (size_t i = 0; i < key.len; i++) {
        char c = key.data[i];

        if (c == '%' || c <= ' ' || c > '~')
            (void) strbuf_printf(&text, "%%%02X", (unsigned char) c);
        else
            strbuf_append_char(&text, c);
    }
    strbuf_append_char(&text, '\n');
    request = arena_str(arena, strbuf_str(&text));
    strbuf_done(&text);
    return request;
}

bool tcp_reply_read(struct stream *stream, struct arena *arena, struct str *line_out, struct failure *why)
{
    struct str line;

    if (!stream_read_line(stream, TCP_REPLY_MAX, &line, why))
        return false;
    if (!str_ends_with(line, STR("\n"))) {
        if (line.len < TCP_REPLY_MAX)
            return failure_set(why, FAILURE_RETRY, 0, "unexpected EOF");
        return failure_set(why, FAILURE_PERMANENT, 0, "reply is longer than %d characters", TCP_REPLY_MAX);
    }
    line.len--;
    *line_out = arena_str(arena, line);
    return true;
}

static int value_of_digit(char c)
{
    if (char_is_digit(c))
        return c - '0';
    c = char_to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False for a % without two digits. */
static bool decode(struct str text, struct arena *arena, struct str *decoded_out)
{
    char *decoded = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c == '%') {
            int high = i + 1 < text.len ? value_of_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? value_of_digit(text.data[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char) (high * 16 + low);
            i += 2;
        }
        decoded[len++] = c;
    }
    *decoded_out = str_make(decoded, len);
    return true;
}

enum tcp_status tcp_reply_parse(struct str line, struct arena *arena, struct str *text_out)
{
    struct str status = str_part(line, 0, line.len < 3 ? line.len : 3);

    for (size_t i = 0; i < status.len; i++) {
        if (!char_is_digit(status.data[i]))
            return TCP_REPLY_MALFORMED;
    }
    if (line.len < 4 || !char_is_space(line.data[3]) || !decode(str_from(line, 4), arena, text_out))
        return TCP_REPLY_MALFORMED;
    if (str_equal(status, STR("200")))
        return TCP_REPLY_FOUND;
    if (str_equal(status, STR("400")))
        return TCP_REPLY_TRY_LATER;
    return str_equal(status, STR("500")) ? TCP_REPLY_ABSENT : TCP_REPLY_BAD_STATUS;
}
