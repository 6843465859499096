/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_CLIENT_H
#define SMTPD_CLIENT_H

#include "smtpd/client_attributes.h"

struct session;

/*
 * client - who the session is with, and all that this decides: what is announced, which rules hold. XCLIENT makes it
 * somebody else in the middle of a session.
 */

/* Whether the client is in a list of those that may do something. */
enum permission {
    PERMISSION_NONE,
    PERMISSION_GIVEN,
    PERMISSION_UNKNOWN, /* the list cannot be read now */
};

/* session->peer is known: looks up what its name and address stand for. */
void client_recognise(struct session *session);

/*
 * The session is from now on with the client that a trusted one speaks for: what the attributes do not say stays as
 * it was, but for HELO, the protocol and the login, which begin anew.
 */
void client_replace(struct session *session, const struct client_attributes *attributes);

/* Something cannot be looked up that must be known: "421 4.3.0 ... Server local data error", logged. Returns false. */
bool client_refuse_for_now(struct session *session);

/* The greeting, or the refusal. */
void client_greet(struct session *session);

/* The command's own permission, "XCLIENT"; false when it was answered that the client has none. */
MUST_USE bool client_may(struct session *session, const char *command, enum permission permission);
/* Whether EHLO can be answered: each permission that it announces is known. False when it was answered. */
MUST_USE bool client_is_understood(struct session *session);

/*
 * XFORWARD: where the next message came from before it reached the client, for the log and for who gets it next.
 * Gone with a new EHLO, RSET, and the message's end.
 */
struct forwarded {
    struct arena *arena; /* NULL: nothing was said */
    struct client_attributes attributes;
};

/* False with the reply when something is wrong with it; then what was said before stands. */
MUST_USE bool forwarded_take(struct forwarded *forwarded, struct str argument, struct arena *reply_arena,
                             struct str *reply_out);
void forwarded_forget(struct forwarded *forwarded);
/* Something is known of the client before the client. */
bool forwarded_has_client(const struct forwarded *forwarded);
/* "unknown" where it was not said. */
struct str forwarded_value(const struct forwarded *forwarded, enum client_attribute which);
/* "name[address]:port" as far as it is known; with the port if log lines have it. */
struct str forwarded_shown(const struct forwarded *forwarded, bool has_port, struct arena *arena);

#endif
