/* SPDX-License-Identifier: Apache-2.0 */
#include "smtpd/message.h"

#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/log_lines.h"
#include "smtpd/policy.h"
#include "smtpd/session.h"
#include "smtpd/smtpd.h"

bool message_may_begin(struct session *session)
{
    if (transaction_is_open(&session->transaction) && session->transaction.recipient_count > 0)
        return true;
    if (!transaction_is_open(&session->transaction))
        answer(session, "503 5.5.1 Error: need RCPT command");
    else
        answer(session, "554 5.5.1 Error: no valid recipients");
    return false;
}

static void refuse_bare_newline(struct session *session)
{
    const struct smtpd *smtpd = session->smtpd;

    log_reject(session, "reject", STR("bare <LF> received"), session->transaction.recipient);
    history_next_is(session, NOTICE_POLICY);
    answer(session, "%d %d.5.2 %.*s Error: bare <LF> received", smtpd->settings->forbid_bare_newline_reject_code,
           smtpd->settings->forbid_bare_newline_reject_code / 100, STR_ARG(smtpd->shared->myhostname));
}

void message_end(struct session *session)
{
    struct str text;

    session->where = "END-OF-MESSAGE";
    if (session->transaction.has_refused_bare_newline) {
        refuse_bare_newline(session);
    } else if (!policy_allows_message(session, &text)) {
        answer_send(session, text);
    } else {
        if (transaction_finish(session, &text)) {
            session->error_count = 0;
            session->junk_count = 0;
            history_forgive(session);
        }
        if (session->transaction.proxy != NULL || session->transaction.is_worded_by_milter)
            answer_send_lines(session, text);
        else
            answer_send(session, text);
    }
    transaction_end(&session->transaction);
    forwarded_forget(&session->forwarded);
    history_pause(session);
}

void message_answer_failure(struct session *session, const struct failure *why)
{
    log_cleanup_trouble(session, why->text);
    if (why->kind == FAILURE_NO_SPACE)
        answer(session, "452 4.3.1 Insufficient system storage");
    else
        answer(session, "451 4.3.0 Error: queue file write error");
}
