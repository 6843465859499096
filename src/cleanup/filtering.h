/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_FILTERING_H
#define CLEANUP_FILTERING_H

#include "base/failure.h"
#include "protocol/cleanup.h"

struct message;

/*
 * filtering - what milters say of a message whose content is complete, and what they want changed.
 *
 * The milters of a session come connected from smtpd (filtering_borrow). Mail that was not sent by SMTP is shown to
 * non_smtpd_milters, as if localhost had sent it; proxymap makes the connections, for cleanup makes none. Each milter
 * sees the message as those before it have left it, and what it changes holds when it has finished: one that dies in
 * between has changed nothing. The result is written as a whole, before the message is made durable.
 */
struct filtering;

/* One more of the session's milters, in order, before the content. Takes the descriptor. */
MUST_USE bool filtering_borrow(struct message *message, const struct cleanup_milter *milter, struct failure *why);
/* Header, body and recipients are complete. A verdict against the message becomes its status. */
void filtering_run(struct message *message);
/* What smtpd is to know of the milters it lent; empty without any. */
struct str filtering_conditions(const struct message *message);
void filtering_done(struct filtering **filtering);

#endif
