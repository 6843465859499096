/* SPDX-License-Identifier: Apache-2.0 */
/* QUIT: goodbye. */
#include "smtpd/answer.h"
#include "smtpd/session.h"
#include "smtpd/verbs.h"

void verb_quit(struct session *session, struct str argument)
{
    (void) argument;
    answer_send(session, STR("221 2.0.0 Bye"));
    if (!session_is_broken(session))
        session->end = SESSION_QUIT;
}
