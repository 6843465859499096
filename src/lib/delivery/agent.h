/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DELIVERY_AGENT_H
#define DELIVERY_AGENT_H

#include "base/list.h"
#include "daemon/daemon.h"
#include "mail/dsn.h"
#include "protocol/deliver.h"

struct delivery;
struct shared_settings;

/*
 * agent - what every delivery agent is: a daemon that takes requests from the queue manager, delivers each in
 * a fiber, and answers for every recipient.
 *
 * A program fills in struct delivery_program and its main calls delivery_agent_main. deliver() is called once
 * a request and reports each recipient as soon as its fate is final, with delivery_sent, _deferred or _bounced: that
 * writes the log line, then keeps the outcome until the queue manager has it in its ledger. Whoever has no outcome
 * when deliver() returns is deferred for it. delivery_sync hands over what was reported so far, before
 * something slow is begun; the end of deliver() does it anyway. A lost channel never loses an
 * outcome: it waits for the next census.
 */
struct delivery_program {
    const char *name;
    enum daemon_shape shape;
    enum daemon_user user;
    const struct settings_table *settings;
    /* As in struct daemon_program; each may be NULL. start's result is deliver's context. */
    bool (*open)(struct daemon *daemon, struct failure *why);
    void *(*start)(struct daemon *daemon);
    void (*drain)(void *context);
    void (*stop)(void *context);
    const char *const *calls;
    const char *seccomp;
    bool heeds_chroot;
    bool may_chroot;
    /* Deliveries at one time in one process; a sequential agent has 1. */
    unsigned capacity;

    void (*deliver)(struct delivery *delivery, void *context);
};

int delivery_agent_main(const struct delivery_program *program, int argc, char **argv);

/* One request in hand. Read it; only the fields marked so are the agent's to set. */
struct delivery {
    struct daemon *daemon;
    struct loop *loop;
    struct arena *arena; /* ends with the delivery */
    const struct deliver_request *request;
    const struct deliver_recipient *recipients;
    size_t recipient_count;
    const struct shared_settings *shared;
    struct instant started; /* wall clock, when the agent took it */

    /* The agent's: wall clock when the connection stood (zero: no connection, as for local). For delays=. */
    struct instant connected;

    struct delivery_state *state;
};

/* How a recipient fared: everything but which of the three it was. Copied. */
struct delivery_report {
    struct dsn_status dsn;
    struct str text;            /* goes into the log's parentheses and the bounce */
    struct str relay;           /* empty: "none" */
    unsigned connection_use;    /* conn_use=, logged when more than 1 */
    struct str address;         /* that the report speaks of; empty: the recipient's */
    struct str action;          /* as in deliver_result; empty: by the outcome */
    struct str remote_mta;      /* "dns; " is added by bounce; empty: none */
    struct str diagnostic_type; /* "smtp", "x-unix" */
    struct str diagnostic;
    struct str original; /* for orig_to= in the log; empty: the recipient's */
    bool is_logged;      /* the agent has written the recipient's lines itself, with delivery_log_line */
};

/*
 * Writes a line for an address that the recipient was expanded to (local's aliases), and reports nothing; the
 * recipient then is orig_to= unless it had another original. status: "sent", "deferred", "bounced".
 */
void delivery_log_line(struct delivery *delivery, size_t recipient, struct str address, struct dsn_status dsn,
                       struct str status, const struct delivery_report *report);

/* recipient is the place in delivery->recipients. A second report for the same recipient is a programmer's mistake. */
void delivery_sent(struct delivery *delivery, size_t recipient, const struct delivery_report *report);
/* dsn's class becomes 4, unless a delivery_status_filter makes it a return; and the other way round. */
void delivery_deferred(struct delivery *delivery, size_t recipient, const struct delivery_report *report);
/* dsn's class becomes 5. With soft_bounce it is reported as deferred. */
void delivery_bounced(struct delivery *delivery, size_t recipient, const struct delivery_report *report);
/* Whether soft_bounce holds: a trial tells what would be. */
bool delivery_is_soft(const struct delivery *delivery);
/* Not here, but at this transport and next hop, "lmtp:unix:/run/lmtp": the queue manager takes it there. Not logged. */
void delivery_passed(struct delivery *delivery, size_t recipient, struct str transport);
/*
 * One of those that the recipient was expanded to, before the recipient's own report, which then stands for all. A
 * report by mail names them in the recipient's stead: those that failed, and with DELIVER_FLAG_TRACE all. Beyond
 * DELIVER_MEMBERS_MAXIMUM they are left out.
 */
void delivery_member(struct delivery *delivery, size_t recipient, enum deliver_status status,
                     const struct delivery_report *report);
bool delivery_is_reported(const struct delivery *delivery, size_t recipient);
/* As the agent's delivery_status_filter has it, for what the agent logs itself; all else is filtered when reported. */
void delivery_filter_status(struct delivery *delivery, struct dsn_status *status, struct str *text);

/* Sends what was reported to the queue manager at once, without waiting for its record. */
void delivery_sync(struct delivery *delivery);

/* The next hop as a whole is dead, as with all connections refused: told to the queue manager at the end. */
void delivery_hop_failed(struct delivery *delivery, struct dsn_status dsn, struct str reason);

#endif
