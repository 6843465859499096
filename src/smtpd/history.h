/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_HISTORY_H
#define SMTPD_HISTORY_H

#include "base/str.h"

struct session;

/*
 * history - what was said in the session, and its errors by class: the postmaster gets it when notify_classes has one
 * of them. A message that is taken forgives what went before.
 */
void history_begin(struct session *session);
void history_end(struct session *session);

void history_client_said(struct session *session, struct str line);
void history_server_said(struct session *session, struct str text);
/* A command as the log and the postmaster may know it: no password. In the command's arena, or line itself. */
struct str history_without_secrets(struct session *session, struct str line);

/* The error that is answered next: what the client's words were judged to be, or one of enum notice_class. Without
 * either it is a mistake in the protocol. */
void history_next_is_reject(struct session *session, struct str reply);
void history_next_is(struct session *session, unsigned notice_class);
/* It has been answered. */
void history_count_error(struct session *session);
/* The message was taken. */
void history_forgive(struct session *session);

/* EHLO, RSET, the end of a message: one that became long is sent, or forgotten. */
void history_pause(struct session *session);
/* The session is over. reason is why, if it is not the client who ended it. */
void history_finish(struct session *session, struct str reason);

#endif
