/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_SESSION_MILTERS_H
#define SMTPD_SESSION_MILTERS_H

#include "base/failure.h"
#include "milter/milter.h"
#include "milter/service.h"

struct destination;
struct session;
struct smtp_path;
struct smtpd;

/*
 * session_milters - the mail filters of a session (smtpd_milters, smtpd_milter_maps): what they are told at each
 * command, the macros that go with it, and what their answers mean for the client. Restrictions are asked first; what
 * these refuse no filter hears of, but for recipients. With the content cleanup speaks with them (transaction.c lends
 * them).
 *
 * All calls are fine in a session that has none. True: go on. False: *reply_out, in the command's arena, is what the
 * client hears (answer_send_lines), already logged.
 */
struct session_milters {
    struct session *session;
    struct milters *milters;
    struct arena *arena; /* ends with them */
    struct milter_services services;
    bool is_discarding;               /* the message: nobody is asked any more about it */
    bool is_lent, is_used;            /* to cleanup; and it has been told the end of the message */
    struct arena *message_arena;      /* of what follows */
    const struct destination *sender; /* where it leads; NULL: not asked yet */
    struct str recipient;             /* RCPT's; internal form */
    const struct destination *recipient_destination;
    struct str refusal_dsn, refusal_text; /* of a recipient that was refused */
};

/* Before the jail. */
MUST_USE bool session_milters_open(struct smtpd *smtpd, struct failure *why);

/* Who the client is; asks those that are to be asked. greeting: what it hears instead, if it is refused. */
void session_milters_begin(struct session *session, struct str *greeting);
/* The session ends, or XCLIENT begins another one. */
void session_milters_end(struct session *session);

enum session_milters_helo {
    SESSION_MILTERS_HELO_TAKEN,
    SESSION_MILTERS_HELO_REFUSED,  /* for ever: nothing is announced, but the name is taken */
    SESSION_MILTERS_HELO_SHUTDOWN, /* with a reply */
};
enum session_milters_helo session_milters_helo(struct session *session, struct str argument, struct str *reply_out);

/* path: as the client wrote it; rest: what followed. */
MUST_USE bool session_milters_allow_sender(struct session *session, struct str path, struct str rest,
                                           struct str *reply_out);
MUST_USE bool session_milters_allow_recipient(struct session *session, const struct smtp_path *recipient,
                                              struct str path, struct str rest, struct str *reply_out);
/* It was refused by a restriction. */
void session_milters_recipient_refused(struct session *session, struct str path, struct str rest, struct str reply);
MUST_USE bool session_milters_allow_data(struct session *session, struct str *reply_out);
MUST_USE bool session_milters_allow_unknown(struct session *session, struct str verb, struct str *reply_out);

/* Before the first content: gives them to cleanup. */
MUST_USE bool session_milters_lend(struct session *session, struct failure *why);
/* cleanup is to hear the end of the message now. */
void session_milters_used(struct session *session);
/* And what it said of them; empty: it has gone. */
void session_milters_returned(struct session *session, struct str conditions);
/* The transaction ends, whatever came of it. milters may be NULL. */
void session_milters_end_message(struct session_milters *milters);

#endif
