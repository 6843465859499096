/* SPDX-License-Identifier: Apache-2.0 */
/* XCLIENT: a trusted host, a proxy or a test, speaks for another client from here on. */
#include "smtpd/answer.h"
#include "smtpd/client.h"
#include "smtpd/session.h"
#include "smtpd/verbs.h"

static bool take(struct session *session, struct str argument, struct client_attributes *attributes)
{
    struct str reply;

    if (!client_may(session, "XCLIENT", session->xclient_permission))
        return false;
    if (transaction_is_open(&session->transaction)) {
        answer(session, "503 5.5.1 Error: MAIL transaction in progress");
        return false;
    }
    if (argument.len == 0) {
        answer(session, "501 5.5.4 Syntax: XCLIENT attribute=value...");
        return false;
    }
    if (client_attributes_take(attributes, CLIENT_XCLIENT, argument, session->command_arena, &reply))
        return true;
    answer_send(session, reply);
    return false;
}

void verb_xclient(struct session *session, struct str argument)
{
    struct client_attributes attributes = { 0 };

    if (!take(session, argument, &attributes))
        return;
    client_replace(session, &attributes);
    /* Counted as tried, but not as done: the session that did it is over. */
    session->has_answered_error = true;
    if (session_is_synchronised(session))
        client_greet(session);
}
