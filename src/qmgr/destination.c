/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "qmgr/scheduler_private.h"

enum { DEAD_TEXT_MAXIMUM = 4096, BACK_TO_BACK_SECONDS = 1 };

struct str scheduler_copy(struct str text)
{
    char *data = memory_alloc(text.len + 1);

    if (text.len > 0)
        memcpy(data, text.data, text.len);
    return str_make(data, text.len);
}

void scheduler_forget(struct str *text)
{
    memory_free((char *) text->data); /* UNSAFE: made by scheduler_copy() */
    *text = STR_EMPTY;
}

/* ---- orders ---- */

bool destination_is_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct destination *first = CONTAINER_OF(a, struct destination, ready_node);
    const struct destination *second = CONTAINER_OF(b, struct destination, ready_node);

    return peer_is_before(heap_first(&first->peers), heap_first(&second->peers));
}

bool destination_rests_before(const struct heap_node *a, const struct heap_node *b)
{
    return instant_is_before(CONTAINER_OF(a, struct destination, resting_node)->rests_until,
                             CONTAINER_OF(b, struct destination, resting_node)->rests_until);
}

bool destination_revives_before(const struct heap_node *a, const struct heap_node *b)
{
    return instant_is_before(CONTAINER_OF(a, struct destination, dead_node)->dead_until,
                             CONTAINER_OF(b, struct destination, dead_node)->dead_until);
}

/* ---- the life of one ---- */

static struct destination *create(struct transport *transport, struct str key, struct str nexthop)
{
    struct destination *destination = memory_alloc(sizeof *destination);

    destination->transport = transport;
    destination->key = scheduler_copy(key);
    destination->nexthop = scheduler_copy(nexthop);
    window_init(&destination->window, transport->limits.initial_concurrency, transport->limits.concurrency);
    heap_init(&destination->peers, peer_is_before);
    list_init(&destination->lanes);
    list_init(&destination->waiting_node);
    list_init(&destination->idle_node);
    strbuf_init(&destination->dead_dsn, DEAD_TEXT_MAXIMUM);
    strbuf_init(&destination->dead_reason, DEAD_TEXT_MAXIMUM);
    map_set(transport->destinations, key, destination);
    return destination;
}

void destination_free(struct destination *destination)
{
    struct transport *transport = destination->transport;

    CHECK(destination->waiting == 0 && destination->busy == 0);
    list_remove(&destination->idle_node);
    heap_remove(&transport->ready, &destination->ready_node);
    heap_remove(&transport->resting, &destination->resting_node);
    if (destination->dead_node.is_in)
        transport->scheduler->dead_count--;
    heap_remove(&transport->scheduler->dead, &destination->dead_node);
    map_remove(transport->destinations, destination->key);
    strbuf_done(&destination->dead_dsn);
    strbuf_done(&destination->dead_reason);
    scheduler_forget(&destination->key);
    scheduler_forget(&destination->nexthop);
    memory_free(destination);
}

struct destination *transport_destination(struct transport *transport, struct str nexthop, struct str address)
{
    struct destination *destination;
    struct strbuf key;

    strbuf_init(&key, STRBUF_UNLIMITED);
    strbuf_append(&key, nexthop);
    if (transport->limits.recipients == 1) {
        strbuf_append_char(&key, '\0');
        strbuf_append(&key, address);
    }
    destination = map_get(transport->destinations, strbuf_str(&key));
    if (destination == NULL)
        destination = create(transport, strbuf_str(&key), nexthop);
    strbuf_done(&key);
    return destination;
}

struct transport *destination_transport(const struct destination *destination)
{
    return destination->transport;
}

struct str destination_nexthop(const struct destination *destination)
{
    return destination->nexthop;
}

const struct window *destination_window(const struct destination *destination)
{
    return &destination->window;
}

size_t destination_entries(const struct destination *destination)
{
    return destination->waiting + destination->busy;
}

static bool had_delivery_lately(const struct destination *destination, struct instant now)
{
    return destination->last_end.us != 0 &&
           instant_since(now, destination->last_end).us < seconds(BACK_TO_BACK_SECONDS).us;
}

bool destination_has_more(const struct destination *destination, struct instant now)
{
    return destination->waiting > 0 || had_delivery_lately(destination, now);
}

bool destination_clogs(struct destination *destination, size_t fair, struct duration period, struct instant now)
{
    bool is_long;

    if (destination_entries(destination) <= fair) {
        destination->clogs_since = (struct instant){ 0 };
        return false;
    }
    is_long = destination->clogs_since.us != 0 && instant_since(now, destination->clogs_since).us >= period.us;
    if (destination->clogs_since.us == 0 || is_long)
        destination->clogs_since = now;
    return is_long;
}

/* ---- ready or not ---- */

static bool may_go(const struct destination *destination)
{
    /* With a delay between deliveries they go one by one. */
    unsigned most = destination->transport->limits.destination_delay.us > 0 ? 1 : destination->window.size;

    return destination->waiting > 0 && destination->busy < most && destination->rests_until.us == 0;
}

static void refresh_lanes(struct destination *destination)
{
    struct list *next;

    for (struct list *node = destination->lanes.next; node != &destination->lanes; node = next) {
        next = node->next;
        lane_refresh(CONTAINER_OF(node, struct lane, node));
    }
}

static bool is_idle(const struct destination *destination)
{
    return destination->waiting == 0 && destination->busy == 0 && destination->dead_until.us == 0 &&
           destination->rests_until.us == 0;
}

void destination_refresh(struct destination *destination)
{
    struct transport *transport = destination->transport;
    bool is_ready = may_go(destination);

    if (is_ready != destination->is_ready) {
        destination->is_ready = is_ready;
        refresh_lanes(destination);
    }
    if (!is_ready)
        heap_remove(&transport->ready, &destination->ready_node);
    else if (!destination->ready_node.is_in)
        heap_add(&transport->ready, &destination->ready_node);
    if (destination->waiting == 0)
        list_remove(&destination->waiting_node);
    else if (list_is_empty(&destination->waiting_node))
        list_append(&transport->waiting_destinations, &destination->waiting_node);
    if (!is_idle(destination))
        list_remove(&destination->idle_node);
}

static void forget_idle(struct transport *transport, struct instant now)
{
    const struct list *row = &transport->idle_destinations;

    while (!list_is_empty(row)) {
        struct destination *first = CONTAINER_OF(row->next, struct destination, idle_node);

        if (had_delivery_lately(first, now))
            return;
        destination_free(first);
    }
}

/* Of an idle one only the end of its last delivery counts, for mail that comes soon after. */
void destination_settle(struct destination *destination)
{
    struct transport *transport = destination->transport;
    struct instant last_end = destination->last_end;

    destination_refresh(destination);
    if (!is_idle(destination))
        return;
    window_init(&destination->window, transport->limits.initial_concurrency, transport->limits.concurrency);
    list_remove(&destination->idle_node);
    list_append(&transport->idle_destinations, &destination->idle_node);
    forget_idle(transport, last_end);
}

void destination_rest(struct destination *destination, struct instant now)
{
    struct transport *transport = destination->transport;

    if (transport->limits.destination_delay.us <= 0)
        return;
    heap_remove(&transport->resting, &destination->resting_node);
    destination->rests_until = instant_add(now, transport->limits.destination_delay);
    heap_add(&transport->resting, &destination->resting_node);
}

void destination_occupy(struct destination *destination)
{
    destination->busy++;
    destination_refresh(destination);
}

void destination_vacate(struct destination *destination, struct instant now)
{
    CHECK(destination->busy > 0);
    destination->busy--;
    destination_rest(destination, now);
    destination_settle(destination);
}

/* ---- death ---- */

void destination_revive(struct destination *destination)
{
    struct transport *transport = destination->transport;
    struct scheduler *scheduler = transport->scheduler;

    if (!destination->dead_node.is_in)
        return;
    heap_remove(&scheduler->dead, &destination->dead_node);
    scheduler->dead_count--;
    destination->dead_until = (struct instant){ 0 };
    window_init(&destination->window, transport->limits.initial_concurrency, transport->limits.concurrency);
    strbuf_clear(&destination->dead_dsn);
    strbuf_clear(&destination->dead_reason);
}

/* Room for one more; those whose time is over go first. */
static void forget_dead(struct scheduler *scheduler, struct instant now)
{
    struct heap_node *node;

    while ((node = heap_first(&scheduler->dead)) != NULL) {
        struct destination *destination = CONTAINER_OF(node, struct destination, dead_node);

        if (instant_is_before(now, destination->dead_until) && scheduler->dead_count < scheduler->dead_maximum)
            return;
        destination_revive(destination);
        destination_settle(destination);
    }
}

void destination_succeed(struct destination *destination)
{
    const struct scheduler_limits *limits = &destination->transport->limits;
    struct scheduler *scheduler = destination->transport->scheduler;
    double feedback = feedback_value(&limits->positive, destination->window.size);

    window_succeed(&destination->window, &limits->positive, destination->busy, limits->initial_concurrency,
                   limits->concurrency);
    if (scheduler->watcher != NULL)
        scheduler->watcher(destination, true, feedback);
}

bool destination_fail(struct destination *destination, struct instant now, struct str dsn, struct str reason)
{
    struct transport *transport = destination->transport;
    struct scheduler *scheduler = transport->scheduler;
    double feedback = feedback_value(&transport->limits.negative, destination->window.size);
    bool is_dead = window_fail(&destination->window, &transport->limits.negative, transport->limits.failed_cohorts);

    if (scheduler->watcher != NULL)
        scheduler->watcher(destination, false, feedback);
    if (!is_dead)
        return false;
    heap_remove(&scheduler->dead, &destination->dead_node);
    if (destination->dead_until.us != 0)
        scheduler->dead_count--;
    /* Set before the others are looked at, so that this one is not idle. */
    destination->dead_until = instant_add(now, scheduler->dead_time);
    forget_dead(scheduler, now);
    heap_add(&scheduler->dead, &destination->dead_node);
    scheduler->dead_count++;
    strbuf_clear(&destination->dead_dsn);
    strbuf_clear(&destination->dead_reason);
    strbuf_append(&destination->dead_dsn, dsn);
    strbuf_append(&destination->dead_reason, str_part(reason, 0, DEAD_TEXT_MAXIMUM));
    return true;
}

bool destination_is_dead(struct destination *destination, struct instant now, struct str *dsn_out,
                         struct str *reason_out)
{
    if (destination->dead_until.us == 0)
        return false;
    if (!instant_is_before(now, destination->dead_until)) {
        destination_revive(destination);
        return false;
    }
    *dsn_out = strbuf_str(&destination->dead_dsn);
    *reason_out = strbuf_str(&destination->dead_reason);
    return true;
}
