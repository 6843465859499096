/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_MESSAGE_H
#define SMTPD_MESSAGE_H

#include <stdbool.h>

struct failure;
struct session;

/* message - what DATA and BDAT have in common: may content come, and what becomes of it when it is whole. */

/* False when there is no MAIL or no recipient; the client has been told. */
bool message_may_begin(struct session *session);
/* The content is whole: the last checks, then cleanup; the answer; the transaction ends, whatever came of it. */
void message_end(struct session *session);

/* cleanup did not take what was said of it. */
void message_answer_failure(struct session *session, const struct failure *why);

#endif
