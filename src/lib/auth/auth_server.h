/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AUTH_AUTH_SERVER_H
#define AUTH_AUTH_SERVER_H

#include "auth/auth_mechanisms.h"
#include "base/failure.h"
#include "base/time.h"

struct host_lookup;
struct loop;

/*
 * auth_server - who knows the passwords, as its client sees it: Dovecot, or our own sasl service.
 *
 * An exchange has a connection of its own while it lasts; some are kept between exchanges where the server likes that.
 * Each wait ends in time, and what comes is bounded, so a server that is slow, dead or mad costs an exchange and no
 * more. All calls wait in the calling fiber. The library does not log: failures name the server and what it did.
 */
struct auth_server;

struct auth_server_options {
    struct loop *loop;
    struct host_lookup *host_lookup;  /* for inet: */
    struct str place;                 /* "private/auth", "unix:private/auth", "inet:host:port" */
    const char *title;                /* in failures: "Dovecot auth socket" */
    struct duration timeout;          /* of an answer, and of a greeting where somebody wants to log in */
    struct duration greeting_timeout; /* where it is only asked what it offers */
    struct strlist application;       /* said before the handshake, to a server of ours; empty: it is not */
    bool keeps_connections;
};

/* False: the place is none. Copies what options has. */
MUST_USE bool auth_server_create(const struct auth_server_options *options, struct auth_server **server_out,
                                 struct failure *why);
/* No exchange may be under way. Leaves *server NULL; a NULL server is fine. */
void auth_server_destroy(struct auth_server **server);

/*
 * What the server offers, copied to arena: as it says now, or has said last if it cannot be asked. After a failure it
 * is left alone for some seconds. False: it has never said anything; why is not set again in those seconds (kind
 * FAILURE_NONE).
 */
MUST_USE bool auth_server_mechanisms(struct auth_server *server, struct arena *arena,
                                     struct auth_mechanisms *mechanisms_out, struct failure *why);

/* ---- an exchange ---- */

struct auth_exchange;

struct auth_request {
    struct str mechanism; /* one that the server has named */
    struct str service;   /* "smtp" */
    struct str local_address, remote_address;
    bool is_secured; /* by TLS */
    bool has_initial;
    struct str initial; /* base64; may be empty */
};

enum auth_outcome {
    AUTH_CHALLENGED, /* the client is asked for more */
    AUTH_GRANTED,
    AUTH_DENIED,
};

struct auth_answer {
    enum auth_outcome outcome;
    struct str challenge;    /* base64 */
    struct str username;     /* granted: not empty, no control characters; denied: as far as known */
    struct str reason;       /* denied: empty if none was given */
    bool is_servers_trouble; /* denied, but not for what the client has said */
};

/* Never fails; nothing is asked yet. */
struct auth_exchange *auth_exchange_create(struct auth_server *server);
/* The first question; then answers to challenges, in base64. The answer's texts live as long as the exchange. */
MUST_USE bool auth_exchange_start(struct auth_exchange *exchange, const struct auth_request *request,
                                  struct auth_answer *answer_out, struct failure *why);
MUST_USE bool auth_exchange_reply(struct auth_exchange *exchange, struct str response, struct auth_answer *answer_out,
                                  struct failure *why);
/* Breaks it off if it is not over. Leaves *exchange NULL; a NULL exchange is fine. */
void auth_exchange_end(struct auth_exchange **exchange);

#endif
