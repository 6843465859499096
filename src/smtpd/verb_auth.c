/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH is not announced; who guesses passwords all the same is seen in the disconnect line as auth=0/1. */
#include "smtpd/answer.h"
#include "smtpd/session.h"
#include "smtpd/verbs.h"

void verb_auth(struct session *session, struct str argument)
{
    (void) argument;
    if (rates_allow(session, ANVIL_AUTH))
        answer(session, "503 5.5.1 Error: authentication not enabled");
}
