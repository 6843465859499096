/* SPDX-License-Identifier: Apache-2.0 */
/* RSET: the transaction is forgotten. */
#include "smtpd/answer.h"
#include "smtpd/history.h"
#include "smtpd/session.h"
#include "smtpd/verbs.h"

void verb_rset(struct session *session, struct str argument)
{
    if (argument.len > 0) {
        answer(session, "501 5.5.4 Syntax: RSET");
        return;
    }
    transaction_end(&session->transaction);
    forwarded_forget(&session->forwarded);
    history_pause(session);
    session->is_discarding_chunks = false;
    answer_send(session, STR("250 2.0.0 Ok"));
}
