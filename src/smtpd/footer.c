/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/footer.h"

#include "base/arena.h"
#include "base/cursor.h"
#include "base/strbuf.h"
#include "smtpd/answer.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

#include <time.h>

/* Bytes of a footer, beside the reply. */
enum { FOOTER_MAXIMUM = 4096 };

static void append_local_time(struct strbuf *out)
{
    char text[32];
    time_t now = (time_t) instant_seconds(clock_now());
    struct tm parts;

    if (localtime_r(&now, &parts) != NULL && strftime(text, sizeof(text), "%b %d %H:%M:%S", &parts) > 0)
        strbuf_append_c(out, text);
}

/* Text from the client: what is not printable must not shape the reply. */
static void append_tame(struct strbuf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        strbuf_append_char(out, char_is_print(text.data[i]) ? text.data[i] : '_');
}

static void append_named(struct strbuf *out, const struct session *session, struct str name)
{
    const struct transaction *transaction = &session->transaction;

    if (str_equal(name, STR("client")))
        append_tame(out, arena_printf(session->command_arena, "%.*s[%.*s]", STR_ARG(session->peer.name),
                                      STR_ARG(session->peer.address)));
    else if (str_equal(name, STR("client_address")))
        append_tame(out, session->peer.address);
    else if (str_equal(name, STR("client_name")))
        append_tame(out, session->peer.name);
    else if (str_equal(name, STR("client_port")))
        append_tame(out, session->peer.port);
    else if (str_equal(name, STR("helo_name")))
        append_tame(out, session->helo_name);
    else if (str_equal(name, STR("server_name")))
        append_tame(out, session->smtpd->shared->myhostname);
    else if (str_equal(name, STR("sender")) && transaction_is_open(transaction))
        append_tame(out, transaction->sender_shown.len > 0 ? transaction->sender_shown : STR("<>"));
    else if (str_equal(name, STR("recipient")))
        append_tame(out, transaction->recipient_shown);
    else if (str_equal(name, STR("localtime")))
        append_local_time(out);
}

static bool is_name_byte(char c)
{
    return char_is_alnum(c) || c == '_';
}

/* Expands $name and ${name}; $$ is a dollar. */
static void expand(struct strbuf *out, const struct session *session, struct str text)
{
    struct cursor cursor = cursor_over(text);
    struct str name;

    while (!cursor_at_end(&cursor)) {
        strbuf_append(out, cursor_take_until(&cursor, "$"));
        if (!cursor_skip_char(&cursor, '$'))
            break;
        if (cursor_skip_char(&cursor, '$')) {
            strbuf_append_char(out, '$');
        } else if (cursor_skip_char(&cursor, '{')) {
            name = cursor_take_until(&cursor, "}");
            cursor_skip_char(&cursor, '}');
            append_named(out, session, name);
        } else if (cursor_skip_char(&cursor, '(')) {
            name = cursor_take_until(&cursor, ")");
            cursor_skip_char(&cursor, ')');
            append_named(out, session, name);
        } else {
            append_named(out, session, cursor_take_while(&cursor, is_name_byte));
        }
    }
}

/* "550" and "5.1.1", to stand before each line; the separator is the caller's. */
static struct str status_of(struct str text)
{
    size_t blank = str_find_char(str_from(text, 4), ' ');
    struct str word = str_part(text, 4, blank == STR_NOT_FOUND ? 0 : blank);

    return word.len >= 5 && char_is_digit(word.data[0]) && word.data[1] == '.' ? word : STR_EMPTY;
}

static void append_line(struct strbuf *out, struct str text, bool is_last, struct str line)
{
    struct str status = status_of(text);

    strbuf_append(out, STR("\n"));
    strbuf_append(out, str_part(text, 0, 3));
    strbuf_append_char(out, is_last ? ' ' : '-');
    strbuf_append(out, status);
    if (status.len > 0)
        strbuf_append_char(out, ' ');
    strbuf_append(out, line);
}

/* The footer's lines are split at the two bytes "\n". */
static bool cut_line(struct str *rest, struct str *line)
{
    size_t at = str_find(*rest, STR("\\n"));

    if (at == STR_NOT_FOUND) {
        *line = *rest;
        return false;
    }
    *line = str_part(*rest, 0, at);
    *rest = str_from(*rest, at + 2);
    return true;
}

/* False if the tables have nothing for it, or cannot be read. Control bytes of the value are blanks. */
static bool look_up(struct session *session, struct table_list *maps, struct str text, struct str *value_out)
{
    struct failure why;

    if (table_list_is_empty(maps))
        return false;
    switch (table_list_find(maps, text, TABLE_ANY_KIND, session->command_arena, value_out, &why)) {
    case TABLE_FOUND:
        *value_out = answer_tame(session->command_arena, *value_out, ' ');
        return true;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(maps), why.text);
        break;
    case TABLE_ABSENT:
        break;
    }
    return false;
}

static bool is_refusal(struct str text)
{
    return text.len >= 5 && (text.data[0] == '4' || text.data[0] == '5') && char_is_digit(text.data[1]) &&
           char_is_digit(text.data[2]) && text.data[3] == ' ';
}

/* A client that was refused stays refused. */
static struct str replace(struct session *session, struct str text)
{
    struct table_list *maps = session->smtpd->reject_filter_maps;
    struct str value;

    if (!look_up(session, maps, text, &value))
        return text;
    if (is_refusal(value))
        return value;
    log_bad_replacement(table_list_title(maps), value);
    return text;
}

static struct str template_of(struct session *session, struct str text)
{
    struct str value;

    return look_up(session, session->smtpd->reject_footer_maps, text, &value) ? value
                                                                              : session->settings->reject_footer;
}

struct str footer_add(struct session *session, struct str text)
{
    struct str template;
    struct strbuf out, expanded;
    struct str rest, line, result;
    bool has_more = true;

    if (text.len < 4 || str_contains_char(text, '\n'))
        return text;
    text = replace(session, text);
    template = template_of(session, text);
    if (template.len == 0)
        return text;
    strbuf_init(&out, text.len + FOOTER_MAXIMUM);
    strbuf_init(&expanded, FOOTER_MAXIMUM);
    strbuf_append(&out, text);
    if (str_starts_with(template, STR("\\c"))) {
        expand(&out, session, str_from(template, 2));
    } else {
        out.data[3] = '-';
        expand(&expanded, session, template);
        for (rest = strbuf_str(&expanded); has_more;) {
            has_more = cut_line(&rest, &line);
            append_line(&out, text, !has_more, line);
        }
    }
    result = out.is_overflowed ? text : arena_str(session->command_arena, strbuf_str(&out));
    strbuf_done(&expanded);
    strbuf_done(&out);
    return result;
}
