/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include <stdbool.h>

/*
 * transaction - sends one message over a session: MAIL, RCPT for all that are pending, DATA, the content; in as
 * few writes as the server's extensions allow.
 *
 * Afterwards each recipient has its outcome, or is pending because another host may do better. The session can be used
 * again unless it says is_broken.
 */
struct attempt;
struct smtp_session;

enum transaction_end {
    TRANSACTION_ENDED,
    /* A session that was used before had gone before it answered: nothing was tried, a new one should be. */
    TRANSACTION_STALE,
};

enum transaction_end transaction_run(struct smtp_session *session, struct attempt *attempt);

#endif
