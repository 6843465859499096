/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/footer.h"

#include "base/arena.h"
#include "mail/reply_footer.h"
#include "smtpd/answer.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

static void append_named(void *context, struct str name, struct strbuf *out)
{
    const struct session *session = context;
    const struct transaction *transaction = &session->transaction;

    if (str_equal(name, STR("client")))
        reply_footer_append_tame(out, arena_printf(session->command_arena, "%.*s[%.*s]", STR_ARG(session->peer.name),
                                                   STR_ARG(session->peer.address)));
    else if (str_equal(name, STR("client_address")))
        reply_footer_append_tame(out, session->peer.address);
    else if (str_equal(name, STR("client_name")))
        reply_footer_append_tame(out, session->peer.name);
    else if (str_equal(name, STR("client_port")))
        reply_footer_append_tame(out, session->peer.port);
    else if (str_equal(name, STR("helo_name")))
        reply_footer_append_tame(out, session->helo_name);
    else if (str_equal(name, STR("server_name")))
        reply_footer_append_tame(out, session->smtpd->shared->myhostname);
    else if (str_equal(name, STR("sender")) && transaction_is_open(transaction))
        reply_footer_append_tame(out, transaction->sender_shown.len > 0 ? transaction->sender_shown : STR("<>"));
    else if (str_equal(name, STR("recipient")))
        reply_footer_append_tame(out, transaction->recipient_shown);
    else if (str_equal(name, STR("localtime")))
        reply_footer_append_time(out, clock_now());
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
    if (text.len < 4 || str_contains_char(text, '\n'))
        return text;
    text = replace(session, text);
    return reply_footer_add(text, template_of(session, text), append_named, session, session->command_arena);
}
