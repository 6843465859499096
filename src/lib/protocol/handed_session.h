/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_HANDED_SESSION_H
#define PROTOCOL_HANDED_SESSION_H

#include "base/time.h"
#include "ipc/message.h"

struct loop;

/*
 * handed_session - a client's session as postscreen gives it to smtpd: the socket, and what is known of it already.
 *
 * It travels behind the socket to a service of type "pass": one byte with the descriptor, then this message to the end
 * of the connection. Whoever receives it closes that connection when it has the session. One byte alone is a session of
 * which nothing is known.
 */
enum {
    HANDED_BYTES_MAXIMUM = 60000,
    HANDED_TEXT_MAXIMUM = 100,
    HANDED_LINE_MAXIMUM = 4096,
    HANDED_TLS_MAXIMUM = 30000
};

struct handed_session {
    struct str client_address; /* "192.0.2.1" */
    struct str client_port;
    struct str server_address;
    struct str server_port;
    bool is_proxied; /* a proxy said so: the socket knows others */
    /* A session that goes on: what the client has said and heard a good answer to, and its RCPT, not yet answered; as
     * lines without their ends. All empty: the client waits for the greeting. */
    struct str helo;
    struct str mail;
    struct str recipient;
    struct str tls; /* struct tlsproxy_session, encoded; empty: it is in clear */
};

extern const struct message_type handed_session_message;

/* Whether it is one command for everybody, and cannot become two: no CR, LF or NUL in it. */
bool handed_session_takes_line(struct str line);

/* bytes: what came with the socket, without the first byte. */
MUST_USE bool handed_session_decode(struct str bytes, struct arena *arena, const struct handed_session **session_out,
                                    struct failure *why);

/*
 * Gives the socket, which stays the caller's to close, to the service at path, and waits until it has it. In a fiber.
 * False with *may_be_given_out: the service may have the socket all the same, now or later, so that nobody else can
 * talk with the client any more.
 */
MUST_USE bool handed_session_give(struct loop *loop, const char *path, int socket, const struct handed_session *session,
                                  struct duration timeout, bool *may_be_given_out, struct failure *why);

#endif
