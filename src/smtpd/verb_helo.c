/* SPDX-License-Identifier: Apache-2.0 */
/* HELO and EHLO: who the client says it is (RFC 5321 section 4.1.1.1). */
#include "smtpd/answer.h"
#include "smtpd/ehlo_keyword.h"
#include "smtpd/history.h"
#include "smtpd/policy.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"
#include "smtpd/syntax.h"
#include "smtpd/verbs.h"

enum { EHLO_ANSWER_MAXIMUM = 4096 };

/* The name goes into the log and into headers: what has a meaning there does not pass. */
static void set_name(struct session *session, struct str name)
{
    strbuf_clear(&session->helo);
    strbuf_append(&session->helo, syntax_tame_name(session->command_arena, str_part(name, 0, HELO_NAME_MAXIMUM)));
    session->helo_name = strbuf_str(&session->helo);
}

/* True when the name was taken; a transaction that was open is gone then. */
static bool take_name(struct session *session, struct str argument, bool is_esmtp)
{
    struct str name, rest, reply;

    if (argument.len == 0) {
        answer(session, "501 Syntax: %s hostname", is_esmtp ? "EHLO" : "HELO");
        return false;
    }
    transaction_end(&session->transaction);
    forwarded_forget(&session->forwarded);
    history_pause(session);
    session->is_discarding_chunks = false;
    str_cut(argument, ' ', &name, &rest);
    set_name(session, name);
    if (!policy_allows_helo(session, &reply)) {
        session->helo_name = STR_EMPTY;
        answer_send(session, reply);
        return false;
    }
    session->is_esmtp = is_esmtp;
    return true;
}

void verb_helo(struct session *session, struct str argument)
{
    if (take_name(session, argument, false))
        answer(session, "250 %.*s", STR_ARG(session->smtpd->shared->myhostname));
}

void verb_ehlo(struct session *session, struct str argument)
{
    struct auth_mechanisms mechanisms = { .count = 0 };
    struct strbuf text;

    if (!take_name(session, argument, true) || !client_is_understood(session))
        return;
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
