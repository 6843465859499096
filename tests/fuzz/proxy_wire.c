/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ways between smtpd and a proxy filter. What a filter says, in lines and pieces of them, is a bounded reply or
 * none, with nothing in it that could end a line. What a client sends is content without an end in the middle, however
 * it was cut, and it is what the client sent.
 */

#include "smtpd/proxy_wire.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str next_line(struct str *rest)
{
    size_t end = str_find_char(*rest, '\n');
    size_t len = end == STR_NOT_FOUND ? rest->len : end + 1;
    struct str line;

    if (len > PROXY_REPLY_LINE_MAXIMUM)
        len = PROXY_REPLY_LINE_MAXIMUM;
    line = str_part(*rest, 0, len);
    *rest = str_from(*rest, len);
    return line;
}

static void read_reply(struct str said)
{
    enum proxy_reply_state state = PROXY_REPLY_OPEN;
    struct arena *arena = arena_create();
    struct proxy_reply reply = { 0 };
    struct str last = STR_EMPTY;

    while (state == PROXY_REPLY_OPEN && said.len > 0) {
        last = next_line(&said);
        state = proxy_reply_take(&reply, last, arena);
    }
    CHECK(reply.lines.count <= PROXY_REPLY_LINES_MAXIMUM);
    for (size_t i = 0; i < reply.lines.count; i++) {
        CHECK(proxy_command_is_clean(reply.lines.items[i]) && !str_contains_char(reply.lines.items[i], '\t'));
        CHECK(reply.lines.items[i].len <= PROXY_REPLY_LINE_MAXIMUM);
    }
    if (state == PROXY_REPLY_COMPLETE) {
        CHECK(reply.code >= 200 && reply.code <= 599 && str_ends_with(last, STR("\n")));
        CHECK(str_count_char(proxy_reply_text(&reply, arena), '\n') == reply.lines.count - 1);
    }
    arena_destroy(&arena);
}

/* As a strict server reads it: false where CR LF . CR LF comes before the end. */
static bool read_back(struct str wire, struct strbuf *content)
{
    while (wire.len > 0) {
        size_t end = str_find(wire, STR("\r\n"));
        struct str line = str_part(wire, 0, end);

        CHECK(end != STR_NOT_FOUND);
        if (str_equal(line, STR(".")))
            return false;
        if (str_starts_with(line, STR(".")))
            line = str_from(line, 1);
        strbuf_append(content, line);
        strbuf_append_char(content, '\n');
        wire = str_from(wire, end + 2);
    }
    return true;
}

static void send_content(struct str sent, size_t cut, bool replaces_returns)
{
    struct proxy_content state = { .replaces_returns = replaces_returns };
    struct strbuf wire, content;

    strbuf_init(&wire, STRBUF_UNLIMITED);
    strbuf_init(&content, STRBUF_UNLIMITED);
    for (struct str rest = sent; rest.len > 0; rest = str_from(rest, cut))
        proxy_content_append(&state, str_part(rest, 0, cut), &wire);
    proxy_content_complete(&state, &wire);
    CHECK(read_back(strbuf_str(&wire), &content));
    CHECK(content.len == sent.len || content.len == sent.len + 1);
    for (size_t i = 0; i < sent.len; i++)
        CHECK(content.data[i] == (replaces_returns && sent.data[i] == '\r' ? ' ' : sent.data[i]));
    if (replaces_returns)
        CHECK(str_count_char(strbuf_str(&wire), '\r') == str_count_char(strbuf_str(&wire), '\n'));
    strbuf_done(&content);
    strbuf_done(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_make((const char *) data, size);

    if (size < 2)
        return 0;
    read_reply(str_from(bytes, 1));
    send_content(str_from(bytes, 1), (size_t) data[0] / 2 + 1, (data[0] & 1) != 0);
    return 0;
}
