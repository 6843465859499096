/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_POLICY_H
#define SMTPD_POLICY_H

#include "base/str.h"

#include <stdbool.h>

struct session;

/*
 * policy - which restriction lists are walked at which command. With smtpd_delay_reject those of client, HELO and
 * sender wait for RCPT. True: go on. False: *reply_out, in the command's arena, is the refusal, already logged.
 */
bool policy_allows_client(struct session *session, struct str *reply_out);
bool policy_allows_helo(struct session *session, struct str *reply_out);
bool policy_allows_sender(struct session *session, struct str *reply_out);
/* recipient in internal form, shown as the client wrote it. For RCPT and VRFY. */
bool policy_allows_recipient(struct session *session, struct str recipient, struct str shown, struct str *reply_out);
bool policy_allows_data(struct session *session, struct str *reply_out);
/* ETRN: client and HELO too, where they have waited. */
bool policy_allows_etrn(struct session *session, struct str site, struct str *reply_out);
bool policy_allows_message(struct session *session, struct str *reply_out);

/* The session ends. */
void policy_forget(struct session *session);

#endif
