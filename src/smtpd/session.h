/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "base/failure.h"
#include "base/strbuf.h"
#include "notice/transcript.h"
#include "smtpd/client.h"
#include "smtpd/command.h"
#include "smtpd/encryption.h"
#include "smtpd/login.h"
#include "smtpd/peer.h"
#include "smtpd/rates.h"
#include "smtpd/transaction.h"

struct daemon_session;
struct handed_session;
struct kept_deferrals;
struct names;
struct session_milters;
struct smtpd;
struct stream;

/*
 * session - one client's connection, from the greeting to the disconnect line, in a fiber of its own.
 *
 * Memory: the session's arena for what is known of the peer; a command's arena, which lives while
 * commands follow each other and is gone while the client is idle; the transaction's arena. Replies
 * gather in the stream until the session waits for input, so pipelined commands share one write.
 */
enum { HELO_NAME_MAXIMUM = 4096 };

enum session_end {
    SESSION_GOES_ON,
    SESSION_QUIT,      /* said goodbye */
    SESSION_LOST,      /* the client has closed */
    SESSION_TIMED_OUT, /* nothing came or went in time */
    SESSION_TOO_MANY_ERRORS,
    SESSION_DROPPED, /* 421 or 521 was said, or the client broke the rules */
    SESSION_STOPPED, /* the service goes down */
};

struct session {
    struct smtpd *smtpd;
    const struct smtpd_settings *settings; /* as they were when it began: with stress, or without */
    struct daemon_session *connection;
    struct stream *stream;       /* the connection's */
    struct arena *arena;         /* the session's */
    struct arena *command_arena; /* the command's; NULL while the client is idle */
    struct peer peer;
    struct arena *client_arena; /* of a peer that XCLIENT named; NULL: it is the one that connected */
    struct rates rates;
    const struct handed_session *handed; /* by postscreen; NULL: it is not */
    bool is_proxied;                     /* a PROXY header said who the peer is */
    unsigned debug_level;                /* more than 0: the dialogue is logged */

    struct str helo_name; /* empty: none yet; memory of its own */
    struct strbuf helo;
    bool is_esmtp;
    struct str denied;           /* smtpd_delay_reject = no: the client was refused, every command is too */
    unsigned discarded_keywords; /* bits of enum ehlo_keyword */
    bool is_bare_newline_excluded;
    enum permission verp_permission;
    enum permission xclient_permission;
    enum permission xforward_permission;
    bool has_sent_bare_newline;
    bool has_sent_early; /* logged once a session */

    struct str line;        /* the command now executed, as it came; in the command's arena */
    const char *where;      /* for log lines: the last command, CONNECT, END-OF-MESSAGE */
    uint64_t content_bytes; /* of the message in DATA or BDAT, for the log line of a lost connection */
    bool is_in_content;
    bool is_discarding_chunks; /* a BDAT failed: its successors are dropped until LAST, RSET or MAIL */
    enum session_end end;
    bool has_answered_error; /* the command now executed */
    bool is_rehearsing;      /* answers are kept back, see takeover.h */
    struct str kept_refusal; /* the first that was kept back and is one; in the session's arena */
    unsigned error_class;    /* of the next error, enum notice_class; 0: protocol */
    struct transcript transcript;
    unsigned error_count; /* since the last message taken */
    unsigned junk_count;
    struct command_count counts[COMMAND_COUNT];

    struct session_tls tls;                /* STARTTLS */
    struct login login;                    /* AUTH */
    struct forwarded forwarded;            /* XFORWARD: of the next message */
    size_t foreseen;                       /* recipients to come that were asked for already */
    struct names *names;                   /* what the DNS has said; NULL: nothing yet */
    struct kept_deferrals *kept_deferrals; /* see policy.c; NULL: none yet */
    struct session_milters *milters;       /* NULL: none are asked */
    struct transaction transaction;
};

/* The whole session; the connection is the skeleton's. */
void session_run(struct smtpd *smtpd, struct daemon_session *connection);

/* The stream is of no more use. */
static inline bool session_is_broken(const struct session *session)
{
    return session->end == SESSION_LOST || session->end == SESSION_TIMED_OUT || session->end == SESSION_STOPPED;
}

/* What is said goes through TLS. */
static inline bool session_is_encrypted(const struct session *session)
{
    return session->tls.facts != NULL;
}

/* "SMTP" or "ESMTP". */
const char *session_protocol(const struct session *session);

/* A command, as the client has sent it. */
void session_execute(struct session *session, struct str line);

/*
 * A line that is no command: an answer to a challenge. Waits as for a command, and the command's arena is a new one
 * then. Without its end; where it is longer than limit, too long is true and the rest is dropped. False: the session
 * is over.
 */
MUST_USE bool session_read_line(struct session *session, size_t limit, struct str *line_out, bool *is_too_long_out);

/* Ends the session because of a stream's failure: lost, timed out, or we are to stop. Returns false. */
bool session_break(struct session *session, const struct failure *why);

/* The client waits with its next command until it has seen the reply (RFC 2920): input that is there already was
 * sent too early. Logs it, and if forbidden answers and ends the session; then false. */
bool session_is_synchronised(struct session *session);

#endif
