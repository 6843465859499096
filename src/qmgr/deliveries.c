/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/deliveries_private.h"

#include "base/check.h"
#include "base/memory.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "mail/address.h"
#include "mail/verp.h"
#include "protocol/verify.h"
#include "qmgr/clog.h"
#include "qmgr/inheritance.h"
#include "qmgr/log_lines.h"
#include "run/loop.h"

void deliveries_dispatch(struct route *route)
{
    struct instant now = loop_now(route->deliveries->loop);

    if (route->deliveries->is_draining)
        return;
    while (transport_is_ready(route->transport, now)) {
        struct agent *agent = agent_pool_take(route->pool);

        if (agent == NULL)
            break;
        dispatch_start(route, transport_next(route->transport, now), agent);
    }
    route_set_waking(route);
}

static bool is_probe(const struct active_message *message)
{
    return message->whole == message && (message->envelope->flags & ENVELOPE_PROBE) != 0;
}

/* ---- outcomes ---- */

/* A disk that takes no record is asked again after a second, then after twice as long each time. */
enum { RECORD_PAUSE_SECONDS = 60 };

void deliveries_record(struct deliveries *deliveries, struct active_message *message, const size_t *places,
                       size_t count)
{
    const struct active_keeper *keeper = message->keeper;
    struct failure why;
    int pause = 1;

    while (count > 0 && !keeper->record(keeper->context, message, places, count, &why)) {
        log_warning("%.*s: cannot record outcomes: %s", STR_ARG(message->id_text), why.text);
        fiber_sleep(deliveries->loop, seconds(pause));
        pause = pause * 2 < RECORD_PAUSE_SECONDS ? pause * 2 : RECORD_PAUSE_SECONDS;
    }
    message->open_count -= count;
}

void deliveries_defer_places(struct deliveries *deliveries, struct active_message *message, const size_t *places,
                             size_t count, struct str dsn, struct str reason)
{
    for (size_t i = 0; i < count; i++) {
        struct active_result *result = &message->results[places[i]];

        result->outcome = ACTIVE_DEFERRED;
        result->dsn = arena_str(message->arena, dsn);
        result->reason = arena_str(message->arena, reason);
    }
    deliveries_record(deliveries, message, places, count);
}

void deliveries_settle(struct active_message *message)
{
    if (message->open_count > 0 || !list_is_empty(&message->entries))
        return;
    message->deliveries->messages--;
    message->deliveries->probes -= is_probe(message);
    route_forget_shares(message);
    message->keeper->finished(message->keeper->context, message);
}

/* ---- where a recipient goes ---- */

struct waiting_deferral {
    struct deliveries *deliveries;
    struct active_message *message;
    size_t place;
    struct str reason;
};

static void run_deferral(void *context)
{
    struct waiting_deferral *deferral = context;
    struct active_message *message = deferral->message;

    deliveries_defer_places(deferral->deliveries, message, &deferral->place, 1, STR("4.3.0"), deferral->reason);
    memory_free(deferral);
    deliveries_settle(message);
}

/* The transport that defers is itself unreachable: the last resort, told by nobody but this line. */
static void defer_here(struct deliveries *deliveries, struct active_message *message, size_t place, struct str text)
{
    struct waiting_deferral *deferral = memory_alloc(sizeof *deferral);
    struct str dsn, reason;

    str_cut(text, ' ', &dsn, &reason);
    deferral->deliveries = deliveries;
    deferral->message = message;
    deferral->place = place;
    deferral->reason = arena_str(message->arena, reason);
    log_warning("%.*s: to=<%.*s>: %.*s", STR_ARG(message->id_text), STR_ARG(message->results[place].address),
                STR_ARG(text));
    fiber_group_start(&deliveries->fibers, run_deferral, deferral);
}

static void enqueue(struct route *route, struct active_message *message, size_t place, struct str nexthop)
{
    struct destination *destination = transport_destination(route->transport, nexthop, message->results[place].address);

    destination_add(destination, &message->whole->mailing, message, place, &message->entries);
    route_share(route, message);
}

static void send_to_retry(struct deliveries *deliveries, struct active_message *message, size_t place, struct str text)
{
    struct route *retry = route_find(deliveries, STR("retry"));

    if (route_is_dead(retry)) {
        defer_here(deliveries, message, place, text);
        return;
    }
    enqueue(retry, message, place, text);
}

static void assign(struct deliveries *deliveries, struct active_message *message, size_t place, struct str transport,
                   struct str nexthop)
{
    struct route *route = route_find(deliveries, transport);
    struct instant now = loop_now(deliveries->loop);
    struct destination *destination;
    struct str dsn, reason;

    if (!message->is_flushed && strlist_contains(&deliveries->settings->defer_transports, transport)) {
        send_to_retry(deliveries, message, place, STR("4.3.2 deferred transport"));
        return;
    }
    if (route_is_dead(route)) {
        send_to_retry(deliveries, message, place, STR("4.3.0 mail transport unavailable"));
        return;
    }
    destination = transport_destination(route->transport, nexthop, message->results[place].address);
    if (destination_is_dead(destination, now, &dsn, &reason)) {
        struct strbuf text;

        strbuf_init(&text, STRBUF_UNLIMITED);
        strbuf_printf(&text, "%.*s delivery temporarily suspended: %.*s", STR_ARG(dsn), STR_ARG(reason));
        send_to_retry(deliveries, message, place, strbuf_str(&text));
        strbuf_done(&text);
        return;
    }
    if (message->results[place].was_passed)
        destination_add_alone(destination, &message->whole->mailing, message, place, &message->entries);
    else
        destination_add(destination, &message->whole->mailing, message, place, &message->entries);
    route_share(route, message);
    if (daemon_shared(deliveries->daemon)->helpful_warnings)
        clog_look(destination, deliveries->settings, deliveries->messages, now);
}

/* After all recipients at hand are placed, so that those for one next hop go in one delivery. */
static void dispatch_all(struct deliveries *deliveries)
{
    for (struct list *node = deliveries->routes.next; node != &deliveries->routes; node = node->next)
        deliveries_dispatch(CONTAINER_OF(node, struct route, node));
}

void deliveries_divert(struct deliveries *deliveries, struct destination *destination)
{
    struct entry *entry;
    struct arena *arena = arena_create();
    struct str transport = arena_str(arena, transport_name(destination_transport(destination)));
    struct str nexthop = arena_str(arena, destination_nexthop(destination));
    bool is_last = false;

    while (!is_last && (entry = destination_first_waiting(destination)) != NULL) {
        struct active_message *message = entry->message;
        size_t count = entry->count;
        size_t *places = arena_new_array(arena, count, size_t);

        memcpy(places, entry->places, count * sizeof *places);
        /* Dropping the last entry may end the destination. */
        is_last = destination_entries(destination) == 1;
        entry_drop(entry);
        for (size_t i = 0; i < count; i++) {
            if (str_equal(transport, STR("retry")))
                defer_here(deliveries, message, places[i], nexthop);
            else
                assign(deliveries, message, places[i], transport, nexthop);
        }
    }
    dispatch_all(deliveries);
    arena_destroy(&arena);
}

void deliveries_pass(struct deliveries *deliveries, struct active_message *message, size_t place, struct str transport,
                     struct str nexthop)
{
    assign(deliveries, message, place, transport, nexthop);
    dispatch_all(deliveries);
}

/* Nobody reads what is sent to the address that undeliverable notifications come from; a reply to it would go round. */
static bool is_double_bounce(const struct deliveries *deliveries, const struct resolved_address *resolved)
{
    struct str user = address_local(daemon_shared(deliveries->daemon)->double_bounce_sender);

    struct str local = address_local(resolved->recipient);
    const struct qmgr_settings *settings = deliveries->settings;

    return resolved->address_class == RESOLVE_LOCAL &&
           (str_equal_nocase(local, user) ||
            (settings->probe_sender_ttl.us > 0 &&
             verify_is_sender(local, settings->probe_sender, settings->probe_sender_ttl, clock_now())));
}

/* What is known of a probe without asking an agent. */
static bool assign_probe(struct deliveries *deliveries, struct active_message *message, size_t place)
{
    if (!is_probe(message))
        return false;
    if (deliveries->probes > (size_t) deliveries->settings->probe_limit)
        send_to_retry(deliveries, message, place, STR("4.3.2 too many address verification requests"));
    else if (message->envelope->recipient_count > 1)
        assign(deliveries, message, place, STR("discard"), STR("aliased to multiple recipients"));
    else
        return false;
    return true;
}

/* All of the message goes to one transport: "name:nexthop", or "name" for a next hop of all, or each recipient's
 * domain. */
static void assign_filter(struct deliveries *deliveries, struct active_message *message, size_t place,
                          const struct resolved_address *resolved)
{
    struct str transport, nexthop;

    str_cut(message->envelope->content_filter, ':', &transport, &nexthop);
    if (str_is_empty(nexthop))
        nexthop = deliveries->settings->default_filter_nexthop;
    if (str_is_empty(nexthop))
        nexthop = address_domain(resolved->recipient);
    assign(deliveries, message, place, transport, nexthop);
}

static void assign_resolved(struct deliveries *deliveries, struct active_message *message, size_t place,
                            const struct resolved_address *resolved)
{
    struct arena *arena = message->arena;

    message->results[place].address = arena_str(arena, resolved->recipient);
    if (assign_probe(deliveries, message, place))
        return;
    /* A filter would know nothing of the address. */
    if (!str_is_empty(message->envelope->content_filter) && !active_is_trial(message)) {
        assign_filter(deliveries, message, place, resolved);
        return;
    }
    switch (resolved->status) {
    case RESOLVE_OK:
        if (is_double_bounce(deliveries, resolved))
            assign(deliveries, message, place, STR("discard"), STR("undeliverable postmaster notification discarded"));
        else
            assign(deliveries, message, place, resolved->transport, resolved->nexthop);
        return;
    case RESOLVE_ERROR:
        assign(deliveries, message, place, daemon_shared(deliveries->daemon)->error_service_name,
               arena_printf(arena, "5.1.3 %.*s", STR_ARG(resolved->nexthop)));
        return;
    default:
        send_to_retry(deliveries, message, place, STR("4.3.0 address resolver failure"));
    }
}

/* ---- a message ---- */

struct start {
    struct deliveries *deliveries;
    struct active_message *message;
};

static struct resolver *resolver_for(struct deliveries *deliveries, const struct active_message *message)
{
    return is_probe(message) ? deliveries->probe_resolver : deliveries->resolver;
}

static size_t collect_pending(struct active_message *message, struct arena *arena, struct str **addresses_out,
                              size_t **places_out)
{
    const struct envelope *envelope = message->envelope;
    struct str *addresses = arena_new_array(arena, envelope->recipient_count, struct str);
    size_t *places = arena_new_array(arena, envelope->recipient_count, size_t);
    size_t count = 0;

    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (envelope->recipients[i].status != RECIPIENT_PENDING)
            continue;
        message->results[i].address = envelope->recipients[i].address;
        addresses[count] = envelope->recipients[i].address;
        places[count++] = i;
    }
    *addresses_out = addresses;
    *places_out = places;
    return count;
}

/* Nothing here waits, so that the answers may be views. */
static void place(struct deliveries *deliveries, struct active_message *message, const size_t *places, size_t count,
                  const struct resolved_address *answers)
{
    for (size_t i = 0; i < count; i++)
        assign_resolved(deliveries, message, places[i], &answers[i]);
}

/* The recipients were counted with one more, until all are placed. */
static void end_start(struct deliveries *deliveries, struct active_message *message)
{
    dispatch_all(deliveries);
    message->open_count--;
    deliveries_settle(message);
}

/* Where all its recipients go is known from others before. */
static bool start_at_once(struct deliveries *deliveries, struct active_message *message)
{
    struct arena *arena = arena_create();
    struct resolved_address *answers;
    struct str *addresses;
    size_t *places;
    size_t count = collect_pending(message, arena, &addresses, &places);
    bool is_known;

    answers = arena_new_array(arena, count, struct resolved_address);
    is_known = !deliveries->is_draining && resolver_recall(resolver_for(deliveries, message), message->envelope->sender,
                                                           addresses, count, clock_now(), answers);
    if (is_known) {
        message->open_count = count + 1;
        place(deliveries, message, places, count, answers);
    }
    arena_destroy(&arena);
    if (is_known)
        end_start(deliveries, message);
    return is_known;
}

static void run_start(void *context)
{
    struct deliveries *deliveries = ((struct start *) context)->deliveries;
    struct active_message *message = ((struct start *) context)->message;
    struct arena *arena = arena_create();
    struct resolved_address *answers;
    struct str *addresses;
    struct failure why;
    bool is_answered;
    size_t *places;
    size_t count = collect_pending(message, arena, &addresses, &places);

    memory_free(context);
    answers = arena_new_array(arena, count, struct resolved_address);
    /* Counted apart from the recipients until all are placed, so that the message cannot finish half-placed. */
    message->open_count = count + 1;
    is_answered = resolver_ask(resolver_for(deliveries, message), message->envelope->sender, addresses, count,
                               clock_now(), arena, answers, &why);
    if (deliveries->is_draining) {
        /* Since the question: nothing is dispatched any more, so that all of it stays untried. */
        message->open_count = 1;
    } else if (is_answered) {
        place(deliveries, message, places, count, answers);
    } else {
        log_warning("%.*s: %s", STR_ARG(message->id_text), why.text);
        for (size_t i = 0; i < count; i++)
            send_to_retry(deliveries, message, places[i], STR("4.3.0 address resolver failure"));
    }
    arena_destroy(&arena);
    end_start(deliveries, message);
}

/* With VERP each recipient's copy has a sender of its own. */
static void begin_mailing(struct deliveries *deliveries, struct active_message *whole)
{
    mailing_init(deliveries->scheduler, &whole->mailing, whole->was_deferred, loop_now(deliveries->loop));
    whole->mailing.is_one_by_one = !str_is_empty(envelope_attribute(whole->envelope, STR(VERP_ATTRIBUTE)));
}

void deliveries_start(struct deliveries *deliveries, struct active_message *message)
{
    struct start *start;

    list_init(&message->entries);
    message->deliveries = deliveries;
    deliveries->messages++;
    deliveries->probes += is_probe(message);
    if (message->whole == message)
        begin_mailing(deliveries, message);
    if (start_at_once(deliveries, message))
        return;
    start = memory_alloc(sizeof *start);
    *start = (struct start){ deliveries, message };
    fiber_group_start(&deliveries->fibers, run_start, start);
}

/* ---- portions ---- */

void deliveries_expect(struct deliveries *deliveries, struct active_message *whole, size_t unread)
{
    if (whole->deliveries == NULL)
        begin_mailing(deliveries, whole);
    whole->deliveries = deliveries;
    mailing_set_unread(&whole->mailing, unread);
    for (struct route_share *share = whole->shares; unread == 0 && share != NULL; share = share->next)
        recipient_pool_release(&share->share);
}

struct deliveries_refill deliveries_refill(const struct deliveries *deliveries, const struct active_message *whole,
                                           size_t room)
{
    struct deliveries_refill refill = { room, (size_t) deliveries->settings->default_refill_limit,
                                        deliveries->settings->default_refill_delay };
    struct transport *transport;
    uint64_t overtook;

    for (size_t i = 0; (transport = mailing_transport(&whole->mailing, i, &overtook)) != NULL; i++) {
        struct route *route = transport_owner(transport);
        struct route_share *share = route_find_share(route, whole);

        if (i == 0)
            refill = (struct deliveries_refill){ 0, route->settings.refill_limit, route->settings.refill_delay };
        if (overtook != 0 && share != NULL)
            recipient_pool_grant(&route->recipients, &share->share, overtook);
        refill.room += recipient_pool_room(&route->recipients, share != NULL ? &share->share : NULL);
    }
    return refill;
}

/* ---- the whole ---- */

static bool depends_on_sender(struct daemon *daemon)
{
    static const char *const names[] = { "sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps" };
    struct str value;
    struct failure why;

    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        if (settings_get_string(daemon_main_cf(daemon), str_from_c(names[i]), "", daemon_arena(daemon), &value, &why) &&
            value.len > 0)
            return true;
    return false;
}

static struct endpoint *rewrite_endpoint(struct daemon *daemon)
{
    struct str name = daemon_shared(daemon)->rewrite_service_name;

    return daemon_endpoint(daemon, daemon_service_path(daemon, "private", name), &rewrite_protocol);
}

struct deliveries *deliveries_create(struct daemon *daemon, const struct qmgr_settings *settings,
                                     const struct deliveries_transport *transports, size_t transport_count,
                                     const struct deliveries_census *census)
{
    struct deliveries *deliveries = memory_alloc(sizeof *deliveries);

    deliveries->daemon = daemon;
    deliveries->loop = daemon_loop(daemon);
    deliveries->settings = settings;
    deliveries->transports = transports;
    deliveries->transport_count = transport_count;
    deliveries->census = *census;
    deliveries->scheduler =
        scheduler_create(settings->minimal_backoff_time, (size_t) settings->message_recipient_limit);
    deliveries->resolver = resolver_create(rewrite_endpoint(daemon), depends_on_sender(daemon), settings->ipc_timeout);
    deliveries->probe_resolver = resolver_create(rewrite_endpoint(daemon), true, settings->ipc_timeout);
    resolver_set_probes(deliveries->probe_resolver);
    list_init(&deliveries->routes);
    list_init(&deliveries->dispatches);
    list_init(&deliveries->inheritances);
    fiber_group_init(&deliveries->fibers, deliveries->loop);
    event_init(&deliveries->wakes);
    fiber_start(deliveries->loop, route_run_waker, deliveries);
    if (settings->feedback_debug)
        scheduler_watch(deliveries->scheduler, log_feedback);
    return deliveries;
}

void deliveries_destroy(struct deliveries **handle)
{
    struct deliveries *deliveries = *handle;

    *handle = NULL;
    if (deliveries == NULL)
        return;
    CHECK(deliveries->in_hand == 0);
    deliveries->is_draining = true;
    inheritance_end_all(deliveries);
    while (!list_is_empty(&deliveries->routes)) {
        struct route *route = CONTAINER_OF(deliveries->routes.next, struct route, node);

        route_destroy(route);
    }
    resolver_destroy(&deliveries->resolver);
    resolver_destroy(&deliveries->probe_resolver);
    scheduler_destroy(&deliveries->scheduler);
    memory_free(deliveries);
}

void deliveries_take_census(struct deliveries *deliveries, struct duration timeout)
{
    struct instant end = instant_add(loop_now(deliveries->loop), timeout);

    for (size_t i = 0; i < deliveries->transport_count; i++) {
        struct route *route = route_find(deliveries, deliveries->transports[i].name);
        struct duration left = instant_since(end, loop_now(deliveries->loop));

        if (left.us > 0)
            agent_pool_open_all(route->pool, left);
    }
}

static void drop_waiting(struct route *route)
{
    struct entry *entry;

    while ((entry = transport_first_waiting(route->transport)) != NULL) {
        struct active_message *message = entry->message;

        message->open_count -= entry->count;
        entry_drop(entry);
        deliveries_settle(message);
    }
}

void deliveries_drain(struct deliveries *deliveries)
{
    deliveries->is_draining = true;
    event_wake_all(&deliveries->wakes);
    for (struct list *node = deliveries->routes.next; node != &deliveries->routes; node = node->next)
        drop_waiting(CONTAINER_OF(node, struct route, node));
}

size_t deliveries_in_hand(const struct deliveries *deliveries)
{
    size_t count = deliveries->in_hand;

    for (const struct list *node = deliveries->routes.next; node != &deliveries->routes; node = node->next)
        count += agent_pool_inherited(CONTAINER_OF(node, const struct route, node)->pool);
    return count;
}

void deliveries_revive(struct deliveries *deliveries)
{
    for (struct list *node = deliveries->routes.next; node != &deliveries->routes; node = node->next)
        CONTAINER_OF(node, struct route, node)->dead_until = (struct instant){ 0 };
    scheduler_revive(deliveries->scheduler);
}

void deliveries_forget_ways(struct deliveries *deliveries)
{
    resolver_forget(deliveries->resolver);
    resolver_forget(deliveries->probe_resolver);
}

void deliveries_close_idle(struct deliveries *deliveries, struct duration idle)
{
    for (struct list *node = deliveries->routes.next; node != &deliveries->routes; node = node->next)
        agent_pool_close_idle(CONTAINER_OF(node, struct route, node)->pool, idle);
}
