/* SPDX-License-Identifier: Apache-2.0 */
/* STARTTLS: from here on what is said is encrypted, and what was said before is forgotten (RFC 3207 section 4.2). */
#include "run/stream.h"
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/session.h"
#include "smtpd/session_milters.h"
#include "smtpd/smtpd.h"
#include "smtpd/verbs.h"

static bool is_allowed(struct session *session, struct str argument)
{
    if (argument.len > 0)
        answer(session, "501 5.5.4 Syntax: STARTTLS");
    else if (session->tls.facts != NULL)
        answer(session, "554 5.5.1 Error: TLS already active");
    else if (!encryption_is_offered(session))
        answer(session, "502 5.5.1 Error: command not implemented");
    else if (session->smtpd->encryption.server == NULL)
        answer(session, "454 4.7.0 TLS not available due to local problem");
    else if (!rates_may_begin_tls(session)) {
        log_tls_refused(session, "STARTTLS");
        answer(session, "454 4.7.0 Error: too many new TLS sessions from %.*s", STR_ARG(session->peer.shown));
    } else
        return true;
    return false;
}

/* The client begins anew: what it said in clear, somebody else may have said. */
static void forget(struct session *session)
{
    transaction_end(&session->transaction);
    forwarded_forget(&session->forwarded);
    login_forget(&session->login);
    strbuf_clear(&session->helo);
    session->helo_name = STR_EMPTY;
    session->is_esmtp = false;
    session->is_discarding_chunks = false;
}

void verb_starttls(struct session *session, struct str argument)
{
    struct failure why;

    if (!is_allowed(session, argument))
        return;
    answer(session, "220 2.0.0 Ready to start TLS");
    forget(session);
    if (!stream_flush(session->stream, &why)) {
        session_break(session, &why);
        return;
    }
    if (!encryption_begin(session) && session->tls.facts == NULL)
        session->has_answered_error = true;
}
