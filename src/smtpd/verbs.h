/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_VERBS_H
#define SMTPD_VERBS_H

#include "base/str.h"

struct session;

/* verbs - what each SMTP command does; verb_NAME.c has it. See struct command for the arguments. */
void verb_helo(struct session *session, struct str argument);
void verb_ehlo(struct session *session, struct str argument);
void verb_starttls(struct session *session, struct str argument);
void verb_auth(struct session *session, struct str argument);
void verb_mail(struct session *session, struct str argument);
void verb_rcpt(struct session *session, struct str argument);
void verb_data(struct session *session, struct str argument);
void verb_bdat(struct session *session, struct str argument);
void verb_rset(struct session *session, struct str argument);
void verb_noop(struct session *session, struct str argument);
void verb_vrfy(struct session *session, struct str argument);
void verb_etrn(struct session *session, struct str argument);
void verb_help(struct session *session, struct str argument);
void verb_xclient(struct session *session, struct str argument);
void verb_xforward(struct session *session, struct str argument);
void verb_quit(struct session *session, struct str argument);

#endif
