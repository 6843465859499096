/* SPDX-License-Identifier: Apache-2.0 */
/* XFORWARD: a content filter says where the message came from before it filtered it. */
#include "smtpd/answer.h"
#include "smtpd/session.h"
#include "smtpd/verbs.h"

void verb_xforward(struct session *session, struct str argument)
{
    struct str reply;

    if (!client_may(session, "XFORWARD", session->xforward_permission))
        return;
    if (transaction_is_open(&session->transaction)) {
        answer(session, "503 5.5.1 Error: MAIL transaction in progress");
        return;
    }
    if (argument.len == 0) {
        answer(session, "501 5.5.4 Syntax: XFORWARD attribute=value...");
        return;
    }
    if (forwarded_take(&session->forwarded, argument, session->command_arena, &reply))
        answer_send(session, STR("250 2.0.0 Ok"));
    else
        answer_send(session, reply);
}
