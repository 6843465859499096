/* SPDX-License-Identifier: Apache-2.0 */
/* HELO and EHLO: who the client says it is (RFC 5321 section 4.1.1.1). */
#include "smtpd/answer.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/history.h"
#include "smtpd/policy.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "smtpd/syntax.h"
#include "smtpd/verbs.h"

enum { EHLO_ANSWER_MAXIMUM = 4096 };

/* All words, with one blank between them: whoever says several must not be shown as one who said the first. */
static void append_words(struct strbuf *name, struct str argument)
{
    struct str word;

    while (str_next_word(&argument, " \t", &word)) {
        if (name->len > 0)
            strbuf_append_char(name, ' ');
        strbuf_append(name, word);
    }
}

/* The name goes into the log and into headers: what has a meaning there does not pass, blanks neither. */
static void set_name(struct session *session, struct str argument)
{
    struct str name;

    strbuf_clear(&session->helo);
    append_words(&session->helo, str_part(argument, 0, HELO_NAME_MAXIMUM));
    name = syntax_tame_name(session->command_arena, strbuf_str(&session->helo));
    strbuf_clear(&session->helo);
    strbuf_append(&session->helo, name);
    session->helo_name = strbuf_str(&session->helo);
}

/* True when the name was taken; a transaction that was open is gone then. */
static bool take_name(struct session *session, struct str argument, bool is_esmtp,
                      enum session_milters_helo *milters_out)
{
    struct str reply;

    if (argument.len == 0) {
        answer(session, "501 Syntax: %s hostname", is_esmtp ? "EHLO" : "HELO");
        return false;
    }
    transaction_end(&session->transaction);
    forwarded_forget(&session->forwarded);
    history_pause(session);
    session->is_discarding_chunks = false;
    set_name(session, argument);
    if (!policy_allows_helo(session, &reply)) {
        session->helo_name = STR_EMPTY;
        answer_send(session, reply);
        return false;
    }
    *milters_out = session_milters_helo(session, argument, &reply);
    session->is_esmtp = is_esmtp;
    if (*milters_out == SESSION_MILTERS_HELO_SHUTDOWN)
        answer_send_lines(session, reply);
    return *milters_out != SESSION_MILTERS_HELO_SHUTDOWN;
}

void verb_helo(struct session *session, struct str argument)
{
    enum session_milters_helo milters;

    if (take_name(session, argument, false, &milters))
        answer(session, "250 %.*s", STR_ARG(session->smtpd->shared->myhostname));
}

void verb_ehlo(struct session *session, struct str argument)
{
    struct auth_mechanisms mechanisms = { .count = 0 };
    enum session_milters_helo milters;
    struct strbuf text;

    if (!take_name(session, argument, true, &milters) || !client_is_understood(session))
        return;
    if (milters == SESSION_MILTERS_HELO_REFUSED) {
        answer_send_lines(session, arena_printf(session->command_arena, "250-%.*s\n250 ENHANCEDSTATUSCODES",
                                                STR_ARG(session->smtpd->shared->myhostname)));
        return;
    }
    /* Without a back end there is nothing to announce; what needs no login goes on. */
    if (login_is_announced(session) && !login_mechanisms(session, &mechanisms))
        mechanisms.count = 0;
    ehlo_keyword_log(session->discarded_keywords);
    strbuf_init(&text, EHLO_ANSWER_MAXIMUM);
    strbuf_printf(&text, "250 %.*s", STR_ARG(session->smtpd->shared->myhostname));
    ehlo_keyword_append(session, &mechanisms, &text);
    answer_send_lines(session, strbuf_str(&text));
    strbuf_done(&text);
}
