/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTP_ATTEMPT_H
#define SMTP_ATTEMPT_H

#include "delivery/agent.h"
#include "smtp/trouble.h"

/*
 * attempt - where one delivery stands while host after host is tried: who has an outcome, and what was last wrong.
 *
 * A trouble that another host may not have is logged and remembered; with the last host, or when it is final, it
 * becomes the recipients' outcome. While it is not known whether there is another host, it is held.
 */
struct attempt {
    struct smtp *smtp;
    struct delivery *delivery;
    bool is_last_host;
    struct trouble trouble; /* the last; no text: none yet */
    bool has_session;       /* some server has greeted us and heard our name */

    bool is_undecided;     /* whether this is the last host */
    struct trouble *held;  /* by recipient; no text: none. NULL: nobody's */
    struct trouble *lines; /* the same in the order in which they came, once for all that share one */
    size_t line_count;
};

/* From now on troubles are held, until attempt_decide. */
void attempt_hold(struct attempt *attempt);
/* What was held becomes the recipients' outcome if that was the last host, else lines of the log. */
void attempt_decide(struct attempt *attempt, bool is_last_host);

size_t attempt_pending_count(const struct attempt *attempt);

/* enum pix_workaround that this message needs on that session. */
unsigned attempt_pix_workarounds(const struct attempt *attempt, const struct smtp_session *session);

/* For one recipient, by the server's word. */
void attempt_recipient_failed(struct attempt *attempt, size_t recipient, const struct trouble *trouble);
/* For all that are pending: a trouble of the message, the session or the host. */
void attempt_failed(struct attempt *attempt, const struct trouble *trouble);
/* The rest gets the last trouble for its outcome. */
void attempt_give_up(struct attempt *attempt);

/* By the session's last reply. */
void attempt_recipient_sent(struct attempt *attempt, size_t recipient, const struct smtp_session *session);

#endif
