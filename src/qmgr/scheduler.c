/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/scheduler.h"

#include "base/memory.h"
#include "qmgr/scheduler_private.h"

struct scheduler *scheduler_create(struct duration dead_time, size_t dead_maximum)
{
    struct scheduler *scheduler = memory_alloc(sizeof *scheduler);

    scheduler->transports = map_create();
    scheduler->dead_time = dead_time;
    scheduler->dead_maximum = dead_maximum > 0 ? dead_maximum : 1;
    heap_init(&scheduler->dead, destination_revives_before);
    return scheduler;
}

void scheduler_watch(struct scheduler *scheduler, scheduler_watcher *watcher)
{
    scheduler->watcher = watcher;
}

uint64_t scheduler_steps(const struct scheduler *scheduler)
{
    return scheduler->steps;
}

/* ---- transports ---- */

struct transport *scheduler_find_transport(struct scheduler *scheduler, struct str name)
{
    return map_get(scheduler->transports, name);
}

struct transport *scheduler_add_transport(struct scheduler *scheduler, struct str name,
                                          const struct scheduler_limits *limits, void *owner)
{
    struct transport *transport = memory_alloc(sizeof *transport);

    transport->scheduler = scheduler;
    transport->name = scheduler_copy(name);
    transport->limits = *limits;
    transport->owner = owner;
    transport->destinations = map_create();
    list_init(&transport->waiting_destinations);
    list_init(&transport->idle_destinations);
    heap_init(&transport->ready, destination_is_before);
    heap_init(&transport->resting, destination_rests_before);
    for (size_t i = 0; i < CLASS_MAXIMUM; i++) {
        heap_init(&transport->candidates[0][i], lane_is_before);
        heap_init(&transport->candidates[1][i], lane_is_before);
    }
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

const struct scheduler_limits *transport_limits(const struct transport *transport)
{
    return &transport->limits;
}

size_t transport_waiting(const struct transport *transport)
{
    return transport->waiting;
}

size_t transport_destinations(const struct transport *transport)
{
    return map_count(transport->destinations);
}

bool transport_wakes(const struct transport *transport, struct instant now, struct instant *when_out)
{
    const struct heap_node *first = heap_first(&transport->resting);
    bool is_delayed = !heap_is_empty(&transport->ready) && instant_is_before(now, transport->next_start);

    if (first != NULL)
        *when_out = CONTAINER_OF(first, struct destination, resting_node)->rests_until;
    if (is_delayed && (first == NULL || instant_is_before(transport->next_start, *when_out)))
        *when_out = transport->next_start;
    return first != NULL || is_delayed;
}

/* ---- the end ---- */

static void transport_free(struct transport *transport)
{
    struct map_entry *entry;

    while ((entry = map_first(transport->destinations)) != NULL)
        destination_free(map_entry_value(entry));
    map_destroy(&transport->destinations);
    scheduler_forget(&transport->name);
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

void scheduler_revive(struct scheduler *scheduler)
{
    struct heap_node *node;

    while ((node = heap_first(&scheduler->dead)) != NULL) {
        struct destination *destination = CONTAINER_OF(node, struct destination, dead_node);

        destination_revive(destination);
        destination_settle(destination);
    }
}
