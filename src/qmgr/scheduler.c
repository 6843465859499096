/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/scheduler.h"

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/strbuf.h"

struct scheduler {
    struct map *transports;
    struct duration dead_time;
};

struct transport {
    struct scheduler *scheduler;
    struct str name;
    struct scheduler_limits limits;
    void *owner;
    struct map *destinations;
    struct list ready; /* destinations that have waiting entries and room in their window, by turns */
    size_t waiting;
};

struct destination {
    struct transport *transport;
    struct list ready_node;
    struct str key;
    struct str nexthop;
    struct list queue;
    struct entry *filling; /* the entry at the end that may take more recipients of its message */
    unsigned busy;
    double window;
    double failed_cohorts;
    struct instant dead_until; /* 0: alive */
    struct strbuf dead_dsn;
    struct strbuf dead_reason;
};

enum { DEAD_TEXT_MAXIMUM = 4096 };

static struct str copy(struct str text)
{
    char *data = memory_alloc(text.len + 1);

    if (text.len > 0)
        memcpy(data, text.data, text.len);
    return str_make(data, text.len);
}

static void forget(struct str *text)
{
    memory_free((char *) text->data); /* UNSAFE: made by copy() */
    *text = STR_EMPTY;
}

struct scheduler *scheduler_create(struct duration dead_time)
{
    struct scheduler *scheduler = memory_alloc(sizeof *scheduler);

    scheduler->transports = map_create();
    scheduler->dead_time = dead_time;
    return scheduler;
}

static void destination_free(struct destination *destination)
{
    CHECK(list_is_empty(&destination->queue) && destination->busy == 0);
    list_remove(&destination->ready_node);
    map_remove(destination->transport->destinations, destination->key);
    strbuf_done(&destination->dead_dsn);
    strbuf_done(&destination->dead_reason);
    forget(&destination->key);
    forget(&destination->nexthop);
    memory_free(destination);
}

static void transport_free(struct transport *transport)
{
    struct map_entry *entry;

    while ((entry = map_first(transport->destinations)) != NULL)
        destination_free(map_entry_value(entry));
    map_destroy(&transport->destinations);
    forget(&transport->name);
    memory_free(transport);
}

void scheduler_destroy(struct scheduler **scheduler)
{
    if (*scheduler == NULL)
        return;
    for (struct map_entry *entry = map_first((*scheduler)->transports); entry != NULL; entry = map_next(entry))
        transport_free(map_entry_value(entry));
    map_destroy(&(*scheduler)->transports);
    memory_free(*scheduler);
    *scheduler = NULL;
}

struct transport *scheduler_find_transport(struct scheduler *scheduler, struct str name)
{
    return map_get(scheduler->transports, name);
}

struct transport *scheduler_add_transport(struct scheduler *scheduler, struct str name,
                                          const struct scheduler_limits *limits, void *owner)
{
    struct transport *transport = memory_alloc(sizeof *transport);

    transport->scheduler = scheduler;
    transport->name = copy(name);
    transport->limits = *limits;
    transport->owner = owner;
    transport->destinations = map_create();
    list_init(&transport->ready);
    map_set(scheduler->transports, name, transport);
    return transport;
}

struct str transport_name(const struct transport *transport)
{
    return transport->name;
}

void *transport_owner(const struct transport *transport)
{
    return transport->owner;
}

size_t transport_waiting(const struct transport *transport)
{
    return transport->waiting;
}

bool transport_is_ready(const struct transport *transport)
{
    return !list_is_empty(&transport->ready);
}

/* ---- destinations ---- */

static struct destination *destination_create(struct transport *transport, struct str key, struct str nexthop)
{
    struct destination *destination = memory_alloc(sizeof *destination);

    destination->transport = transport;
    destination->key = copy(key);
    destination->nexthop = copy(nexthop);
    destination->window = transport->limits.initial_concurrency > 0 ? transport->limits.initial_concurrency : 1;
    if (transport->limits.concurrency > 0 && destination->window > transport->limits.concurrency)
        destination->window = transport->limits.concurrency;
    list_init(&destination->ready_node);
    list_init(&destination->queue);
    strbuf_init(&destination->dead_dsn, DEAD_TEXT_MAXIMUM);
    strbuf_init(&destination->dead_reason, DEAD_TEXT_MAXIMUM);
    map_set(transport->destinations, key, destination);
    return destination;
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
        destination = destination_create(transport, strbuf_str(&key), nexthop);
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

static bool is_marked_dead(const struct destination *destination)
{
    return destination->dead_until.us != 0;
}

static void update_ready(struct destination *destination)
{
    bool may_go = !list_is_empty(&destination->queue) && destination->busy < (unsigned) destination->window;

    if (!may_go)
        list_remove(&destination->ready_node);
    else if (list_is_empty(&destination->ready_node))
        list_append(&destination->transport->ready, &destination->ready_node);
}

/* An idle destination is forgotten, unless it is remembered as dead. */
static void settle(struct destination *destination)
{
    update_ready(destination);
    if (list_is_empty(&destination->queue) && destination->busy == 0 && !is_marked_dead(destination))
        destination_free(destination);
}

static void revive(struct destination *destination)
{
    destination->dead_until = (struct instant){ 0 };
    destination->failed_cohorts = 0;
    destination->window = 1;
    strbuf_clear(&destination->dead_dsn);
    strbuf_clear(&destination->dead_reason);
}

bool destination_is_dead(struct destination *destination, struct instant now, struct str *dsn_out,
                         struct str *reason_out)
{
    if (!is_marked_dead(destination))
        return false;
    if (!instant_is_before(now, destination->dead_until)) {
        revive(destination);
        return false;
    }
    *dsn_out = strbuf_str(&destination->dead_dsn);
    *reason_out = strbuf_str(&destination->dead_reason);
    return true;
}

/* ---- entries ---- */

static struct entry *entry_create(struct destination *destination, void *message, struct list *message_entries)
{
    struct entry *entry = memory_alloc(sizeof *entry);

    entry->destination = destination;
    entry->message = message;
    list_append(&destination->queue, &entry->queue_node);
    list_init(&entry->message_node);
    list_append(message_entries, &entry->message_node);
    destination->transport->waiting++;
    destination->filling = entry;
    return entry;
}

static bool is_power_of_two(size_t n)
{
    return (n & (n - 1)) == 0;
}

void destination_add(struct destination *destination, void *message, size_t place, struct list *message_entries)
{
    struct entry *entry = destination->filling;

    if (entry == NULL || entry->message != message || entry->count >= destination->transport->limits.recipients)
        entry = entry_create(destination, message, message_entries);
    if (is_power_of_two(entry->count))
        entry->places = memory_resize(entry->places, (entry->count > 0 ? 2 * entry->count : 1) * sizeof *entry->places);
    entry->places[entry->count++] = place;
    update_ready(destination);
}

static void unqueue(struct entry *entry)
{
    list_remove(&entry->queue_node);
    entry->destination->transport->waiting--;
    if (entry->destination->filling == entry)
        entry->destination->filling = NULL;
}

struct entry *transport_next(struct transport *transport)
{
    struct destination *destination;
    struct entry *entry;

    if (list_is_empty(&transport->ready))
        return NULL;
    destination = CONTAINER_OF(transport->ready.next, struct destination, ready_node);
    entry = CONTAINER_OF(destination->queue.next, struct entry, queue_node);
    unqueue(entry);
    entry->is_in_hand = true;
    destination->busy++;
    list_remove(&destination->ready_node);
    update_ready(destination);
    return entry;
}

static void entry_free(struct entry *entry)
{
    list_remove(&entry->message_node);
    memory_free(entry->places);
    memory_free(entry);
}

void entry_finish(struct entry *entry)
{
    struct destination *destination = entry->destination;
    unsigned limit = destination->transport->limits.concurrency;

    CHECK(entry->is_in_hand);
    destination->failed_cohorts = 0;
    if (destination->busy >= (unsigned) destination->window && (limit == 0 || destination->window < limit))
        destination->window += 1;
    destination->busy--;
    entry_free(entry);
    settle(destination);
}

static void mark_dead(struct destination *destination, struct instant now, struct str dsn, struct str reason)
{
    destination->dead_until = instant_add(now, destination->transport->scheduler->dead_time);
    strbuf_clear(&destination->dead_dsn);
    strbuf_clear(&destination->dead_reason);
    strbuf_append(&destination->dead_dsn, dsn);
    strbuf_append(&destination->dead_reason, str_part(reason, 0, DEAD_TEXT_MAXIMUM));
}

bool entry_finish_failed(struct entry *entry, struct instant now, struct str dsn, struct str reason)
{
    struct destination *destination = entry->destination;
    bool is_dead;

    CHECK(entry->is_in_hand);
    destination->busy--;
    destination->failed_cohorts += 1.0 / destination->window;
    if (destination->window > 1)
        destination->window -= 1;
    /* A little less than the limit, for what binary fractions lose. */
    is_dead = destination->failed_cohorts >= destination->transport->limits.failed_cohorts - 1e-6;
    if (is_dead && destination->transport->limits.failed_cohorts > 0)
        mark_dead(destination, now, dsn, reason);
    entry_free(entry);
    settle(destination);
    return is_dead;
}

void entry_return(struct entry *entry)
{
    CHECK(entry->is_in_hand);
    entry->is_in_hand = false;
    entry->destination->busy--;
    list_prepend(&entry->destination->queue, &entry->queue_node);
    entry->destination->transport->waiting++;
    update_ready(entry->destination);
}

void entry_drop(struct entry *entry)
{
    struct destination *destination = entry->destination;

    CHECK(!entry->is_in_hand);
    unqueue(entry);
    entry_free(entry);
    settle(destination);
}

struct entry *destination_first_waiting(struct destination *destination)
{
    if (list_is_empty(&destination->queue))
        return NULL;
    return CONTAINER_OF(destination->queue.next, struct entry, queue_node);
}

struct entry *transport_first_waiting(struct transport *transport)
{
    for (struct map_entry *entry = map_first(transport->destinations); entry != NULL; entry = map_next(entry)) {
        struct entry *first = destination_first_waiting(map_entry_value(entry));

        if (first != NULL)
            return first;
    }
    return NULL;
}

static void revive_all(struct transport *transport)
{
    struct map_entry *next;

    for (struct map_entry *entry = map_first(transport->destinations); entry != NULL; entry = next) {
        struct destination *destination = map_entry_value(entry);

        next = map_next(entry);
        if (is_marked_dead(destination)) {
            revive(destination);
            settle(destination);
        }
    }
}

void scheduler_revive(struct scheduler *scheduler)
{
    for (struct map_entry *entry = map_first(scheduler->transports); entry != NULL; entry = map_next(entry))
        revive_all(map_entry_value(entry));
}
