/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_TRANSACTION_H
#define SMTPD_TRANSACTION_H

#include "base/arena.h"
#include "base/strbuf.h"
#include "protocol/cleanup.h"
#include "smtpd/orders.h"
#include "smtpd/postdrop.h"

#include <stdbool.h>

struct proxy_filter;
struct session;
struct session_milters;

/*
 * transaction - one message from MAIL to its end: what the client said of it, and the call to cleanup that
 * takes it. All of it ends with transaction_end: after the message, RSET, a new HELO, and the session.
 *
 * The call opens with the first accepted recipient (the queue id is known from then on).
 */
struct transaction {
    struct arena *arena;     /* NULL: no MAIL yet */
    struct str sender;       /* internal form */
    struct str sender_shown; /* as in log lines and replies */
    uint64_t announced_bytes;
    uint64_t encoding;   /* enum body_encoding */
    uint64_t dsn_return; /* enum dsn_return */
    struct str envid;
    struct str verp_delimiters; /* empty: not asked for */
    struct str author;          /* AUTH= as it was said; empty: it was not, or <> */
    bool has_author;
    bool is_smtputf8;
    bool is_rewritten_locally; /* headers are completed with our domain */
    struct instant arrival;
    uint64_t number; /* of the process's transactions */

    unsigned recipient_count;
    unsigned overshoot_count;
    struct str recipient;       /* the only one accepted; empty with none or several */
    struct str recipient_shown; /* as in log lines */

    struct call *call; /* to cleanup; NULL before the first recipient and after trouble */
    struct str queue_id;
    /* started by a user: instead of the call */
    struct strlist recipients;
    uint64_t dsn_notify;
    struct orders orders;
    struct postdrop postdrop;
    struct proxy_filter *proxy;      /* NULL: the message goes to cleanup (or postdrop) */
    bool is_worded_by_milter;        /* the reply at its end, which may have several lines */
    struct session_milters *milters; /* that have heard of it; NULL: none */
    bool has_failed;                 /* the call broke: at the end the client hears 451 */
    bool is_out_of_space;            /* then it hears 452 */

    bool is_chunked; /* BDAT has begun */
    uint64_t bytes;  /* content so far, as on the wire: with CR LF */
    bool is_too_large;
    bool has_refused_bare_newline;
    bool has_content;      /* the Received header is in front */
    struct strbuf pending; /* content not yet sent to cleanup */
    /* Between two chunks: an unfinished line was the last thing sent, and it ended with a CR not yet judged. */
    bool is_line_open;
    bool has_carriage_return;
};

static inline bool transaction_is_open(const struct transaction *transaction)
{
    return transaction->arena != NULL;
}

/* MAIL was accepted. The caller fills in what MAIL said, with memory of transaction->arena. */
void transaction_begin(struct transaction *transaction);
/* Forgets everything; a message not finished is thrown away. Fine when none is open. */
void transaction_end(struct transaction *transaction);

/* smtpd_delay_open_until_valid_rcpt = no: opens the call at MAIL. False: not taken, as below. */
MUST_USE bool transaction_open_early(struct session *session, struct failure *why);
/* Opens the call if this is the first recipient. False: not taken, why has the kind for the reply. */
MUST_USE bool transaction_add_recipient(struct session *session, const struct cleanup_recipient *recipient,
                                        struct str shown, struct failure *why);

/* "local" or "remote": whether incomplete addresses in headers are ours. */
struct str transaction_rewrite_context(const struct session *session);

/* A line of content, or a piece of one that is not ended. Trouble is remembered, and told by transaction_finish. */
void transaction_add_content(struct session *session, struct str line, bool is_ended);

/* Gives the message to cleanup. text_out is the reply, in the command's arena; true if the message was taken. */
bool transaction_finish(struct session *session, struct str *text_out);

#endif
