/* SPDX-License-Identifier: Apache-2.0 */
/* NOOP: whatever stands behind it is ignored (RFC 5321 section 4.1.1.9). */
#include "smtpd/answer.h"
#include "smtpd/verbs.h"

void verb_noop(struct session *session, struct str argument)
{
    (void) argument;
    answer_send(session, STR("250 2.0.0 Ok"));
}
