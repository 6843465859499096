/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include "milter/settings.h"

#include <stdint.h>

/*
 * milter - one mail filter's conversation about one SMTP session and its messages (protocol 2 to 6 as libmilter's
 * headers define it), and milters, those of a session in order.
 *
 * Whatever a filter does (is not there, is slow, closes, says what it must not), each call ends with a verdict: a
 * filter in trouble is logged by name, asked no more, and stands for its default action. Calls wait in the caller's
 * fiber. A conversation can be lent to another process over a Unix socket (milter_lend, milters_borrow): its
 * descriptor, what was negotiated, and the macros that it is told later.
 *
 * In the SMTP server:   milters_create, milters_connect, _helo, _mail, _rcpt, _data; milter_lend each; milters_returned
 * Whoever has content:  milters_borrow each (or, for mail without a session: milters_create and those events), then
 *                       for each milter in order milter_header..., milter_end_of_headers, milter_body...,
 *                       milter_end_of_message and milter_next_change until MILTER_CHANGE_NONE
 */
struct loop;
struct milter;
struct milters;
struct milter_service;
struct milter_services;
struct strbuf;

/* ---- what comes of asking ---- */

enum milter_action {
    MILTER_CONTINUE,
    MILTER_REJECT,   /* the client hears reply: of 4xx or 5xx */
    MILTER_DISCARD,  /* the message is taken and thrown away; no milter is asked any more about it */
    MILTER_HOLD,     /* a milter's default action: as continue, but the message goes into hold/ */
    MILTER_SHUTDOWN, /* reply is a 421; the connection ends */
};

struct milter_verdict {
    enum milter_action action;
    struct str reply;           /* "550 5.7.1 Command rejected"; with several lines, LF between them, each with its
                                   code, "-" behind it in all but the last. Nothing in it can end a line of SMTP. */
    const struct milter *where; /* who said so; NULL for MILTER_CONTINUE */
};

/* ---- the milters of a session ---- */

/* Connects to a filter, see milter_dial. */
typedef bool milter_dialer(void *context, const struct milter_service *service, int *fd_out, struct failure *why);

/* The value of a macro, without braces around its name ("j", "client_addr"). False: it has none now. */
typedef bool milter_macro_source(void *context, struct str name, struct strbuf *value);

struct milters_options {
    struct loop *loop;
    const struct milter_settings *settings; /* the macros of each stage, and their defaults */
    milter_dialer *dial;
    void *dial_context;
    milter_macro_source *macro;
    void *macro_context;
};

/* Asks nobody yet. services must outlive it. */
struct milters *milters_create(const struct milters_options *options, const struct milter_services *services);
/* Closes all connections, without a word. Leaves *milters NULL; NULL is fine. */
void milters_destroy(struct milters **milters);
size_t milters_count(const struct milters *milters);
struct milter *milters_at(struct milters *milters, size_t place);
/* "inet:127.0.0.1:8891" */
struct str milter_name(const struct milter *milter);

/*
 * The events of a session. All milters are told at one time but for RCPT, where each hears only of recipients that
 * those before it took. The verdict is that of the first in order that did not say continue; its reply is in arena.
 */
struct milter_client {
    struct str name;    /* "unknown" without one */
    struct str address; /* "192.0.2.1", "2001:db8::1"; empty: not known */
    uint16_t port;
};

/* Connects to them, negotiates, and tells who the client is. */
struct milter_verdict milters_connect(struct milters *milters, const struct milter_client *client, struct arena *arena);
struct milter_verdict milters_helo(struct milters *milters, struct str name, struct arena *arena);
/* A message begins. arguments: "<sender@example.com>", "SIZE=100", ... */
struct milter_verdict milters_mail(struct milters *milters, const struct strlist *arguments, struct arena *arena);
struct milter_verdict milters_rcpt(struct milters *milters, const struct strlist *arguments, struct arena *arena);
/* A recipient that was refused already, for those that want to know; what they answer changes nothing. */
void milters_rejected_rcpt(struct milters *milters, const struct strlist *arguments, struct arena *arena);
bool milters_want_rejected_rcpt(const struct milters *milters);
struct milter_verdict milters_data(struct milters *milters, struct arena *arena);
/* line: the whole command. */
struct milter_verdict milters_unknown(struct milters *milters, struct str line, struct arena *arena);
/* The message is not to be; the session goes on. Fine without one. */
void milters_abort(struct milters *milters);
/* The session ends: says so and closes. */
void milters_quit(struct milters *milters);

/* ---- lending ---- */

enum { MILTER_STATE_MAXIMUM = 64 * 1024, MILTERS_LENT_MAXIMUM = 100 };

/*
 * For the time of one message's content: the descriptor (which stays the milter's) and all else that the borrower
 * needs, in arena, with the values of the macros for the end of the header and of the message. The lender does not
 * speak until milters_returned or milters_unused. fd -1: there is nothing to lend, as the milter wants to hear no more
 * of this message; state says what that means.
 */
void milter_lend(struct milter *milter, struct arena *arena, int *fd_out, struct str *state_out);
/*
 * What milters_conditions said at the borrower's, of those that had a descriptor; a text of another length (empty: the
 * borrower died) ends all of these.
 */
void milters_returned(struct milters *milters, struct str conditions);
/* The borrower has not begun, and never will. */
void milters_unused(struct milters *milters);

/* A set for what others lend. */
struct milters *milters_create_borrowed(struct loop *loop);
/* Adds one; owns fd from here on, also when it fails: the state was not made by milter_lend. */
MUST_USE bool milters_borrow(struct milters *milters, int fd, struct str state, struct failure *why);
/* One letter a milter, for the lender: whether it can be asked again. */
struct str milters_conditions(const struct milters *milters, struct arena *arena);

/* ---- the content, one milter after the other ---- */

/* Whether a milter wants to hear of the content at all: it has accepted the message, or is out of order, or refuses. */
bool milter_wants_content(const struct milter *milter);
bool milter_wants_headers(const struct milter *milter);
/* Also false once it has said that it has seen enough. */
bool milter_wants_body(const struct milter *milter);

/* value: what follows the colon, blanks in front and LF of continued lines included, without the last LF. */
struct milter_verdict milter_header(struct milter *milter, struct str name, struct str value, struct arena *arena);
struct milter_verdict milter_end_of_headers(struct milter *milter, struct arena *arena);
/* The next bytes of the body, lines ended by LF, cut anywhere. */
struct milter_verdict milter_body(struct milter *milter, struct str bytes, struct arena *arena);
/* All has been said; then milter_next_change until MILTER_CHANGE_NONE. Also for one that wants no content. */
void milter_end_of_message(struct milter *milter);

enum milter_change_kind {
    MILTER_CHANGE_NONE,          /* that was all: verdict holds */
    MILTER_CHANGE_ADD_HEADER,    /* name, value: behind the others */
    MILTER_CHANGE_INSERT_HEADER, /* name, value: before the one at index, from 0 on (1 is the same as 0 in Postfix) */
    MILTER_CHANGE_CHANGE_HEADER, /* name, value, the index-th of that name, from 1 on; value empty: delete it */
    MILTER_CHANGE_SENDER,        /* address, arguments */
    MILTER_CHANGE_ADD_RECIPIENT, /* address, arguments */
    MILTER_CHANGE_DELETE_RECIPIENT, /* address */
    MILTER_CHANGE_BODY,       /* bytes: the next piece of the new body, lines ended by LF; the first one replaces */
    MILTER_CHANGE_QUARANTINE, /* reason: into hold/ */
};

struct milter_change {
    enum milter_change_kind kind;
    uint32_t index;
    struct str name;
    struct str value;     /* as in milter_header: what follows the colon */
    struct str address;   /* as the milter wrote it, angle brackets or not */
    struct str arguments; /* of ESMTP, "NOTIFY=NEVER"; may be empty */
    struct str bytes;
    struct str reason;
    struct milter_verdict verdict;
};

/*
 * What the milter wants changed, one at a time; texts are valid until the next call on the milter, replies in arena.
 * With a verdict of a milter in trouble (milter_is_broken) the changes that came before must not be kept half: what
 * MILTER_CHANGE_BODY gave so far is to be thrown away.
 */
void milter_next_change(struct milter *milter, struct arena *arena, struct milter_change *change_out);
/* The conversation failed; what the verdict says is the default action. */
bool milter_is_broken(const struct milter *milter);
/* The caller could not do what was asked for: the message is lost, and the milter hears of that. */
void milter_abort(struct milter *milter);

#endif
