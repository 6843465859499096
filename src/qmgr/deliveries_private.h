/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_DELIVERIES_PRIVATE_H
#define QMGR_DELIVERIES_PRIVATE_H

/*
 * deliveries_private - what deliveries.c (where things go), route.c (transports and their agents) and dispatch.c (one
 * request to an agent) share. All times are the loop's.
 */

#include "daemon/daemon.h"
#include "qmgr/agent.h"
#include "qmgr/deliveries.h"
#include "qmgr/recipient_pool.h"
#include "qmgr/resolver.h"
#include "qmgr/scheduler.h"
#include "qmgr/transport_settings.h"
#include "run/fiber.h"

struct deliveries {
    struct daemon *daemon;
    struct loop *loop;
    const struct qmgr_settings *settings;
    const struct deliveries_transport *transports;
    size_t transport_count;
    struct deliveries_census census;
    struct scheduler *scheduler;
    struct resolver *resolver;
    struct resolver *probe_resolver;
    struct list routes;
    struct fiber_group fibers;
    struct list dispatches;   /* in hand */
    struct list inheritances; /* in hand of an earlier queue manager */
    size_t in_hand;
    size_t messages;
    size_t probes;      /* of them */
    struct event wakes; /* something rests for less long than was known */
    struct instant wakes_at;
    bool is_draining;
};

/* One transport: its place in the scheduler and its agents. */
struct route {
    struct list node;
    struct deliveries *deliveries;
    struct transport *transport;
    struct transport_settings settings;
    struct agent_pool *pool;
    struct instant dead_until; /* 0: alive */
    struct failure dead_reason;
    struct recipient_pool recipients; /* in memory */
};

/* Of one message or portion, and of the whole of portions; in its arena. */
struct route_share {
    struct route_share *next;
    struct route *route;
    struct recipient_share share;
};

/* Sends what may go of this transport to agents that have room. Does not wait. */
void deliveries_dispatch(struct route *route);
/* Everything that waits for the destination, which is dead, goes to the retry transport. */
void deliveries_divert(struct deliveries *deliveries, struct destination *destination);
/* An agent says that another transport is to deliver to this recipient, which is in no entry. */
void deliveries_pass(struct deliveries *deliveries, struct active_message *message, size_t place, struct str transport,
                     struct str nexthop);
/* Gives the message back when nothing of it is open. */
void deliveries_settle(struct active_message *message);
/* Records an outcome that no agent gave. Waits until it is recorded. */
void deliveries_defer_places(struct deliveries *deliveries, struct active_message *message, const size_t *places,
                             size_t count, struct str dsn, struct str reason);
/* Retries, with a second's rest, until the keeper has the outcomes of these places. */
void deliveries_record(struct deliveries *deliveries, struct active_message *message, const size_t *places,
                       size_t count);

/* route.c: made when it is first asked for. */
struct route *route_find(struct deliveries *deliveries, struct str name);
void route_destroy(struct route *route);
bool route_is_dead(struct route *route);
/* One more recipient of the message is in memory for the route, until all of the message goes. */
void route_share(struct route *route, struct active_message *message);
void route_forget_shares(struct active_message *message);
/* Has to do with the route so far; NULL if nothing. */
struct route_share *route_find_share(const struct route *route, const struct active_message *message);
/* After a dispatch: what waits only for its time goes then. */
void route_set_waking(struct route *route);
/* The fiber that sees to it. */
void route_run_waker(void *deliveries);

/* dispatch.c: hands the entry to the agent and sees it through, in a fiber of its own. */
void dispatch_start(struct route *route, struct entry *entry, struct agent *agent);

#endif
