/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_ATTEMPT_H
#define LOCAL_ATTEMPT_H

#include "base/map.h"
#include "local/local.h"

#include <stdarg.h>

/*
 * attempt - the delivery to one recipient of the request, whatever number of mailboxes, commands and addresses it
 * is expanded to. Each of those is logged as it ends; together they have one fate: deferred if any was, else
 * returned if any was, else sent.
 */
enum fate {
    FATE_SENT,
    FATE_DEFERRED,
    FATE_BOUNCED,
};

/* How one destination ended. */
struct result {
    enum fate fate;
    struct dsn_status dsn;
    struct str text;
    struct str diagnostic; /* a command's output */
    struct str action;     /* for a report; empty: by its fate */
    struct str address;    /* whose it was; set when it is added */
};

/* A member of a list that failed, of which the list's owner is told instead of the message's sender. */
struct owner_failure {
    struct str owner;
    struct str address;
    struct result result;
};

/* An address to which the message goes as a new one. */
struct resubmission {
    struct str sender;
    struct str address;
    struct str delivered_to; /* for the Delivered-To header */
    bool is_sent_anew;       /* in the name of an alias's owner */
    struct str transport;    /* "name:nexthop", whatever the address says; or empty */
};

struct expansion;

struct attempt {
    struct local *local;
    struct delivery *delivery;
    size_t recipient; /* place in the delivery */
    struct arena *arena;
    struct str delivered_to;     /* for Delivered-To: the recipient as it came, whatever it is expanded to */
    struct str original;         /* for X-Original-To */
    struct map *seen;            /* destinations that had their copy */
    struct expansion *expansion; /* the innermost that is not done; NULL: none */
    struct resubmission *resubmissions;
    size_t resubmission_count;
    size_t resubmission_capacity;
    struct owner_failure *owner_failures;
    size_t owner_failure_count;
    size_t owner_failure_capacity;
    struct str passed_to; /* "name:nexthop" of the transport that delivers instead; empty: none does */
    bool is_expanded;     /* by an alias or a .forward */
    bool is_list;         /* the first of them was an alias with an owner */
    bool has_loop;        /* an expansion went round */
    unsigned expansions;  /* of aliases and :include: files */
    struct result *worst; /* NULL: nothing has ended yet */
};

void attempt_init(struct attempt *attempt, struct local *local, struct delivery *delivery, size_t recipient);
/* Reports the recipient's fate. */
void attempt_finish(struct attempt *attempt);

/* Logs how a destination ended; address is the one it was reached by, original what orig_to= says, if not as ever. */
void attempt_add(struct attempt *attempt, struct str address, struct str original, const struct result *result);
/* The same of what an owner of a list has sent on: if it failed for good, that one is to hear of it, and nobody else.
 */
void attempt_add_of_owner(struct attempt *attempt, struct str address, struct str owner, const struct result *result);
bool attempt_is_deferred(const struct attempt *attempt);

/* True if this destination, of this kind, comes for the first time. */
bool attempt_is_new(struct attempt *attempt, const char *kind, uid_t uid, struct str destination);

/* Its strings live in the attempt's arena. */
void attempt_add_resubmission(struct attempt *attempt, const struct resubmission *resubmission);

/* Nothing is delivered: what is asked is whether it could be. */
bool attempt_is_trial(const struct attempt *attempt);
/* The same, by the verify service: an alias or a .forward that is there is enough. */
bool attempt_is_probe(const struct attempt *attempt);

/* In the attempt's arena. The class of dsn decides the fate: 2 sent, 4 deferred, 5 bounced. */
PRINTF_LIKE(3, 4) struct result result_make(struct attempt *attempt, struct dsn_status dsn, const char *format, ...);
PRINTF_LIKE(3, 0)
struct result result_make_list(struct attempt *attempt, struct dsn_status dsn, const char *format, va_list args);

#endif
