/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_TROUBLE_H
#define SMTP_TROUBLE_H

#include "base/arena.h"
#include "base/failure.h"
#include "mail/dsn.h"

/*
 * trouble - why something could not be delivered, in Postfix's words: the text for the log and the
 * sender, the status, and who said it. Class 4 of the status means that trying later may help.
 */
struct smtp_reply;
struct smtp_session;

struct trouble {
    struct dsn_status dsn;
    struct str text;
    struct str relay;      /* empty: none */
    unsigned uses;         /* of the session */
    struct str remote_mta; /* who said it; empty: this system */
    struct str diagnostic; /* the reply, empty if there was none */
};

bool trouble_is_permanent(const struct trouble *trouble);

/* Our own finding. */
PRINTF_LIKE(3, 4)
struct trouble trouble_local(struct arena *arena, struct dsn_status dsn, const char *format, ...);

/* Our own finding about a session's server. */
PRINTF_LIKE(4, 5)
struct trouble trouble_about(struct arena *arena, const struct smtp_session *session, struct dsn_status dsn,
                             const char *format, ...);

/* As trouble_about, but by the server's last reply, which is its diagnostic. */
PRINTF_LIKE(3, 4)
struct trouble trouble_said_of(struct arena *arena, const struct smtp_session *session, const char *format, ...);

/* "host x[192.0.2.1] said: 550 5.1.1 No (in reply to RCPT TO command)" */
struct trouble trouble_said(struct arena *arena, const struct smtp_session *session, const char *command);

/* "host x[192.0.2.1] refused to talk to me: 421 Busy" */
struct trouble trouble_refused(struct arena *arena, const struct smtp_session *session);

/* "lost connection with x[192.0.2.1] while ..." or "conversation with x[192.0.2.1] timed out while ..." */
struct trouble trouble_lost(struct arena *arena, const struct smtp_session *session, const struct failure *why,
                            const char *doing);

#endif
