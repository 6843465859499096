/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_HISTORY_H
#define SMTP_HISTORY_H

#include "base/str.h"

struct daemon;
struct smtp;
struct smtp_session;

/*
 * history - what was said in a session with a server; the postmaster gets it when a server refused one of our commands
 * as wrong, and notify_classes has "protocol". Nothing is kept where he does not want it.
 */
/* In the jail, before the first session. */
void history_start(struct smtp *smtp, struct daemon *daemon);

void history_begin(struct smtp_session *session);
/* One or more commands, each with its CR LF. */
void history_client_said(struct smtp_session *session, struct str commands);
void history_server_said(struct smtp_session *session, struct str line);
/* The last reply was not what our command is answered with. */
void history_refused(struct smtp_session *session);
/* The session is over: sends what is wanted, and may wait for that. */
void history_end(struct smtp_session *session);

#endif
