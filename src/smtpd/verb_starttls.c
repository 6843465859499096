/* SPDX-License-Identifier: Apache-2.0 */
/* STARTTLS is not announced; whoever tries it hears so, and is counted under its own name. */
#include "smtpd/answer.h"
#include "smtpd/verbs.h"

void verb_starttls(struct session *session, struct str argument)
{
    (void) argument;
    answer(session, "502 5.5.1 Error: command not implemented");
}
