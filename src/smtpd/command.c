/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/command.h"

#include "base/arena.h"
#include "mail/domain.h"
#include "smtpd/answer.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "smtpd/syntax.h"
#include "smtpd/verbs.h"

static void verb_unknown(struct session *session, struct str argument)
{
    struct str rest = session->line, verb = STR_EMPTY, reply;

    (void) argument;
    (void) str_next_word(&rest, " \t", &verb);
    if (session_milters_allow_unknown(session, verb, &reply))
        answer(session, "500 5.5.2 Error: command not recognized");
    else
        answer_send_lines(session, reply);
}

static const struct command commands[COMMAND_COUNT] = {
    [COMMAND_HELO] = { "HELO", verb_helo, COMMAND_ENDS_PIPELINE },
    [COMMAND_EHLO] = { "EHLO", verb_ehlo, COMMAND_ENDS_PIPELINE },
    [COMMAND_XCLIENT] = { "XCLIENT", verb_xclient, 0 },
    [COMMAND_XFORWARD] = { "XFORWARD", verb_xforward, 0 },
    [COMMAND_STARTTLS] = { "STARTTLS", verb_starttls, COMMAND_ENDS_PIPELINE },
    [COMMAND_AUTH] = { "AUTH", verb_auth, COMMAND_ENDS_PIPELINE | COMMAND_NEEDS_TLS },
    [COMMAND_MAIL] = { "MAIL", verb_mail, COMMAND_NEEDS_TLS },
    [COMMAND_RCPT] = { "RCPT", verb_rcpt, COMMAND_NEEDS_TLS },
    [COMMAND_DATA] = { "DATA", verb_data, COMMAND_ENDS_PIPELINE | COMMAND_NEEDS_TLS },
    [COMMAND_BDAT] = { "BDAT", verb_bdat, COMMAND_BRINGS_CONTENT | COMMAND_NEEDS_TLS },
    [COMMAND_RSET] = { "RSET", verb_rset, COMMAND_IS_JUNK | COMMAND_NEEDS_TLS },
    [COMMAND_NOOP] = { "NOOP", verb_noop, COMMAND_IS_JUNK | COMMAND_ENDS_PIPELINE },
    [COMMAND_VRFY] = { "VRFY", verb_vrfy, COMMAND_IS_JUNK | COMMAND_ENDS_PIPELINE | COMMAND_NEEDS_TLS },
    [COMMAND_ETRN] = { "ETRN", verb_etrn, COMMAND_IS_JUNK | COMMAND_NEEDS_TLS },
    [COMMAND_HELP] = { "HELP", verb_help, COMMAND_IS_JUNK | COMMAND_ENDS_PIPELINE },
    [COMMAND_QUIT] = { "QUIT", verb_quit, COMMAND_IS_ALWAYS_TAKEN },
    [COMMAND_UNKNOWN] = { "UNKNOWN", verb_unknown, COMMAND_IS_ALWAYS_TAKEN },
};

const struct command *command_by_id(enum command_id id)
{
    return &commands[id];
}

enum command_id command_id_of(const struct command *command)
{
    return (enum command_id)(command - commands);
}

const struct command *command_find(struct str verb)
{
    for (int id = 0; id < COMMAND_UNKNOWN; id++) {
        if (str_equal_nocase(verb, str_from_c(commands[id].name)))
            return &commands[id];
    }
    return &commands[COMMAND_UNKNOWN];
}

static bool is_listed(struct match_list *list, struct str verb)
{
    struct failure why;

    switch (match_list_has(list, verb, &why)) {
    case TABLE_FOUND:
        return true;
    case TABLE_UNKNOWN:
        log_table_trouble(STR("list of commands"), why.text);
        return false;
    case TABLE_ABSENT:
        break;
    }
    return false;
}

static void count_junk(struct session *session)
{
    if (session->junk_count++ > (unsigned) session->settings->junk_command_limit)
        session->error_count++;
}

/* True for a command that is to be ignored, whatever it is. */
static bool execute_nothing(struct session *session, struct str verb)
{
    if (!is_listed(session->smtpd->noop_commands, verb))
        return false;
    answer(session, "250 2.0.0 Ok");
    count_junk(session);
    return true;
}

/* True when the line was dealt with here: it is no SMTP. */
static bool execute_foreign(struct session *session, struct str verb, struct str line)
{
    if (!syntax_looks_like_header(verb) && !is_listed(session->smtpd->forbidden_commands, verb))
        return false;
    session->counts[COMMAND_UNKNOWN].tried++;
    log_non_smtp_command(session, line);
    answer(session, "221 2.7.0 Error: I can break rules, too. Goodbye.");
    session->end = SESSION_DROPPED;
    return true;
}

static bool may_pipeline(const struct session *session, const struct command *command)
{
    if (command->traits & COMMAND_IS_ALWAYS_TAKEN)
        return true;
    if (command->traits & COMMAND_BRINGS_CONTENT)
        return session->is_esmtp;
    return session->is_esmtp && !(session->discarded_keywords & KEYWORD_PIPELINING) &&
           !(command->traits & COMMAND_ENDS_PIPELINE);
}

static void run_command(struct session *session, const struct command *command, struct str argument)
{
    struct command_count *count = &session->counts[command_id_of(command)];

    session->where = command->name;
    count->tried++;
    session->has_answered_error = false;
    if (!may_pipeline(session, command) && !session_is_synchronised(session))
        return;
    if (session->denied.len > 0 && !(command->traits & COMMAND_IS_ALWAYS_TAKEN)) {
        answer(session, "503 5.7.0 Error: access denied for %.*s", STR_ARG(session->peer.shown));
        return;
    }
    if ((command->traits & COMMAND_NEEDS_TLS) && encryption_is_missing(session)) {
        answer(session, "530 5.7.0 Must issue a STARTTLS command first");
        return;
    }
    if (command->traits & COMMAND_IS_JUNK)
        count_junk(session);
    command->run(session, argument);
    if (!session->has_answered_error && !session_is_broken(session))
        count->done++;
}

/* What smtpd_command_filter makes of the line. False when it was answered that the table cannot be read. */
static bool filter(struct session *session, struct str *line)
{
    struct table_list *table = session->smtpd->command_filter;
    struct str key = str_trim_left(*line), replacement;
    struct failure why;

    if (table_list_is_empty(table))
        return true;
    switch (table_list_find(table, key, TABLE_ANY_KIND, session->command_arena, &replacement, &why)) {
    case TABLE_FOUND:
        log_command_replaced(session, history_without_secrets(session, *line),
                             history_without_secrets(session, replacement));
        *line = replacement;
        return true;
    case TABLE_UNKNOWN:
        log_table_trouble(table_list_title(table), why.text);
        return client_refuse_for_now(session);
    case TABLE_ABSENT:
        break;
    }
    return true;
}

void command_execute(struct session *session, struct str line)
{
    const struct command *command;
    struct str verb, argument;

    if (encryption_refuses(session) || !filter(session, &line))
        return;
    session->line = line;
    syntax_split_command(line, &verb, &argument);
    command = command_find(verb);
    if (session->smtpd->shared->smtputf8_enable && !domain_is_utf8(line)) {
        answer(session, "500 5.5.2 Error: bad UTF-8 syntax");
        return;
    }
    if (verb.len == 0) {
        answer(session, "500 5.5.2 Error: bad syntax");
        return;
    }
    if (execute_nothing(session, verb))
        return;
    if (command_id_of(command) == COMMAND_UNKNOWN) {
        session->where = command->name;
        if (execute_foreign(session, verb, line))
            return;
    }
    run_command(session, command, argument);
}
