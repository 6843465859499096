/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/reply.h"

#include "base/cursor.h"

static void append_line(struct strbuf *out, int code, bool is_last, struct dsn_status status, struct str text)
{
    char buffer[DSN_STATUS_SIZE];

    strbuf_printf(out, "%03d%c", code, is_last ? ' ' : '-');
    if (dsn_status_is_set(status)) {
        strbuf_append(out, dsn_status_format(status, buffer));
        if (text.len > 0)
            strbuf_append_char(out, ' ');
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char) text.data[i];

        strbuf_append_char(out, (c < ' ' && c != '\t') || c == 127 ? '?' : (char) c);
    }
    strbuf_append(out, STR("\r\n"));
}

bool reply_append(struct strbuf *out, int code, struct dsn_status status, struct str text)
{
    struct str rest = text, line;
    bool has_more;

    do {
        has_more = str_cut(rest, '\n', &line, &rest);
        append_line(out, code, !has_more, status, line);
    } while (has_more);
    return !out->is_overflowed;
}

bool reply_parse_line(struct str line, int *code_out, bool *is_last_out, struct str *text_out)
{
    int code = 0;

    if (line.len < 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        if (!char_is_digit(line.data[i]))
            return false;
        code = code * 10 + (line.data[i] - '0');
    }
    if (code < 200 || code > 599 || (line.len > 3 && line.data[3] != ' ' && line.data[3] != '-'))
        return false;
    *code_out = code;
    *is_last_out = line.len == 3 || line.data[3] == ' ';
    *text_out = str_from(line, 4);
    return true;
}

struct reply reply_of_failure(const struct failure *why)
{
    switch (why->kind) {
    case FAILURE_NO_SPACE:
        return (struct reply){ 452, DSN_STATUS(4, 3, 1), STR("Insufficient system storage") };
    case FAILURE_CONFIGURATION:
        return (struct reply){ 451, DSN_STATUS(4, 3, 5), STR("Server configuration error") };
    case FAILURE_TIMEOUT:
        return (struct reply){ 451, DSN_STATUS(4, 4, 2), STR("Error: timeout") };
    case FAILURE_STOPPED:
        return (struct reply){ 421, DSN_STATUS(4, 3, 2), STR("Service shutting down") };
    case FAILURE_PROTOCOL:
        return (struct reply){ 554, DSN_STATUS(5, 5, 0), STR("Error: protocol error") };
    case FAILURE_PERMANENT:
        return (struct reply){ 554, DSN_STATUS(5, 3, 0), STR("Error: transaction failed") };
    case FAILURE_NONE:
    case FAILURE_RETRY:
        break;
    }
    return (struct reply){ 451, DSN_STATUS(4, 3, 0), STR("Temporary server error. Please try again later") };
}
