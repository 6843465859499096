/* SPDX-License-Identifier: Apache-2.0 */
/* HELP: the commands there are (RFC 5321 section 4.1.1.8). */
#include "smtpd/answer.h"
#include "smtpd/verbs.h"

void verb_help(struct session *session, struct str argument)
{
    (void) argument;
    answer_send(session, STR("214 2.0.0 Commands: HELO EHLO MAIL RCPT DATA BDAT RSET NOOP VRFY ETRN HELP QUIT"));
}
