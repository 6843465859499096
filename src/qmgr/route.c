/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "qmgr/deliveries_private.h"
#include "qmgr/inheritance.h"
#include "qmgr/log_lines.h"
#include "run/loop.h"

#include <string.h>

/* ---- what its agents tell ---- */

static bool take_census(void *context, void **teller, const struct deliver_census_reply *reply, struct failure *why)
{
    struct route *route = context;
    /* A copy: the deliveries may end while something is recorded. */
    const struct deliveries_census census = route->deliveries->census;
    const struct deliver_in_hand *in_hand = reply->in_hand.items;

    if (*teller == NULL)
        *teller = inheritance_create(route->deliveries);
    inheritance_set(*teller, route->transport, &reply->in_hand);
    if (!census.unrecorded(census.context, reply->unrecorded.items, reply->unrecorded.count, why))
        return false;
    for (size_t i = 0; i < reply->in_hand.count; i++)
        census.in_hand(census.context, &in_hand[i]);
    return true;
}

static void end_census(void *context, void **teller)
{
    struct inheritance *inheritance = *teller;

    (void) context;
    *teller = NULL;
    inheritance_destroy(&inheritance);
}

static void agents_ready(void *context)
{
    struct route *route = context;

    route->dead_until = (struct instant){ 0 };
    deliveries_dispatch(route);
}

static void agents_unavailable(void *context, const struct failure *why)
{
    struct route *route = context;
    struct deliveries *deliveries = route->deliveries;
    struct entry *entry;

    if (why->error != 0)
        log_no_transport(transport_name(route->transport), strerror(why->error));
    else
        log_no_transport(transport_name(route->transport), why->text);
    route->dead_until = instant_add(loop_now(deliveries->loop), deliveries->settings->transport_retry_time);
    route->dead_reason = *why;
    while ((entry = transport_first_waiting(route->transport)) != NULL)
        deliveries_divert(deliveries, entry->destination);
}

/* ---- making ---- */

/* One that was not in master.cf when this process started may have as many as any other. */
static unsigned processes_of(const struct deliveries *deliveries, struct str name)
{
    for (size_t i = 0; i < deliveries->transport_count; i++)
        if (str_equal(deliveries->transports[i].name, name))
            return deliveries->transports[i].processes;
    return (unsigned) daemon_shared(deliveries->daemon)->default_process_limit;
}

static struct route *create_route(struct deliveries *deliveries, struct str name)
{
    struct route *route = memory_alloc(sizeof *route);
    struct agent_events events = { take_census, end_census, agents_ready, agents_unavailable, route };
    struct arena *arena = arena_create();
    struct str path = arena_printf(arena, "private/%.*s", STR_ARG(name));

    route->deliveries = deliveries;
    transport_settings_load(daemon_main_cf(deliveries->daemon), name, &route->settings);
    if (deliveries->settings->feedback_debug)
        log_feedback_values(name, &route->settings.limits);
    recipient_pool_init(&route->recipients, route->settings.recipient_limit, route->settings.extra_recipient_limit);
    route->transport = scheduler_add_transport(deliveries->scheduler, name, &route->settings.limits, route);
    route->pool = agent_pool_create(deliveries->loop, path.data, processes_of(deliveries, name),
                                    deliveries->settings->ipc_timeout, &events);
    list_append(&deliveries->routes, &route->node);
    arena_destroy(&arena);
    return route;
}

struct route *route_find(struct deliveries *deliveries, struct str name)
{
    struct transport *transport = scheduler_find_transport(deliveries->scheduler, name);

    return transport != NULL ? transport_owner(transport) : create_route(deliveries, name);
}

void route_destroy(struct route *route)
{
    list_remove(&route->node);
    agent_pool_destroy(&route->pool);
    memory_free(route);
}

bool route_is_dead(struct route *route)
{
    if (route->dead_until.us != 0 && !instant_is_before(loop_now(route->deliveries->loop), route->dead_until))
        route->dead_until = (struct instant){ 0 };
    return route->dead_until.us != 0;
}

struct route_share *route_find_share(const struct route *route, const struct active_message *message)
{
    struct route_share *share = message->shares;

    while (share != NULL && share->route != route)
        share = share->next;
    return share;
}

static struct route_share *share_of(struct route *route, struct active_message *message)
{
    struct route_share *share = route_find_share(route, message);

    if (share == NULL) {
        share = arena_new(message->arena, struct route_share);
        share->route = route;
        recipient_share_init(&share->share);
        share->next = message->shares;
        message->shares = share;
    }
    return share;
}

void route_share(struct route *route, struct active_message *message)
{
    recipient_pool_add(&route->recipients, &share_of(route, message->whole)->share, 1);
    if (message->whole != message)
        share_of(route, message)->share.in_memory++;
}

void route_forget_shares(struct active_message *message)
{
    for (struct route_share *share = message->shares; share != NULL; share = share->next)
        recipient_pool_remove(&share->route->recipients, &share_of(share->route, message->whole)->share,
                              share->share.in_memory);
    message->shares = NULL;
}

/* ---- what rests for a while ---- */

/* When the first route that only waits for its time may go on. */
static bool next_waking(const struct deliveries *deliveries, struct instant *when_out)
{
    bool is_any = false;

    for (const struct list *node = deliveries->routes.next; node != &deliveries->routes; node = node->next) {
        struct instant when;

        if (!transport_wakes(CONTAINER_OF(node, struct route, node)->transport, loop_now(deliveries->loop), &when))
            continue;
        if (!is_any || instant_is_before(when, *when_out))
            *when_out = when;
        is_any = true;
    }
    return is_any;
}

void route_run_waker(void *context)
{
    struct deliveries *deliveries = context;
    struct failure ignored;
    struct instant when;

    while (!deliveries->is_draining) {
        struct duration wait = DURATION_FOREVER;

        deliveries->wakes_at = (struct instant){ INT64_MAX };
        if (next_waking(deliveries, &when)) {
            deliveries->wakes_at = when;
            wait = instant_since(when, loop_now(deliveries->loop));
        }
        if (wait.us > 0)
            (void) !event_wait(deliveries->loop, &deliveries->wakes, wait, &ignored);
        else
            fiber_sleep(deliveries->loop, milliseconds(1));
        for (struct list *node = deliveries->routes.next; node != &deliveries->routes; node = node->next)
            deliveries_dispatch(CONTAINER_OF(node, struct route, node));
    }
}

void route_set_waking(struct route *route)
{
    struct instant when;

    if (transport_wakes(route->transport, loop_now(route->deliveries->loop), &when) &&
        instant_is_before(when, route->deliveries->wakes_at))
        event_wake_all(&route->deliveries->wakes);
}
