/* SPDX-License-Identifier: Apache-2.0 */
#include "simulator.h"

#include "base/check.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/memory.h"

struct hop {
    struct duration takes;
    bool is_dead;
    uint64_t slots;
};

struct message {
    struct mailing mailing;
    struct list entries;
    size_t recipients; /* added so far */
    struct simulated_message known;
};

/* In an agent's hands. */
struct running {
    struct heap_node node;
    struct instant ends;
    struct entry *entry;
    struct hop *hop;
};

struct simulator {
    struct scheduler *scheduler;
    struct transport *transport;
    size_t agents;
    struct map *hops;
    struct message **messages;
    size_t count;
    size_t capacity;
    struct heap running;
    size_t busy;
    struct instant now;
    uint64_t slots;
};

struct scheduler_limits simulator_default_limits(void)
{
    return (struct scheduler_limits){
        .concurrency = 20,
        .initial_concurrency = 5,
        .recipients = 50,
        .failed_cohorts = 1,
        .positive = { 1, FEEDBACK_CONSTANT },
        .negative = { 1, FEEDBACK_CONSTANT },
        .slot_cost = 5,
        .slot_loan = 3,
        .slot_discount = 50,
        .minimum_slots = 3,
    };
}

static bool ends_before(const struct heap_node *a, const struct heap_node *b)
{
    return instant_is_before(CONTAINER_OF(a, struct running, node)->ends, CONTAINER_OF(b, struct running, node)->ends);
}

struct simulator *simulator_create(const struct scheduler_limits *limits, size_t agents)
{
    struct simulator *simulator = memory_alloc(sizeof *simulator);

    simulator->scheduler = scheduler_create(seconds(300), 20000);
    simulator->transport = scheduler_add_transport(simulator->scheduler, STR("smtp"), limits, NULL);
    simulator->agents = agents;
    simulator->hops = map_create();
    simulator->now = instant_from_seconds(1000000);
    heap_init(&simulator->running, ends_before);
    return simulator;
}

void simulator_destroy(struct simulator **handle)
{
    struct simulator *simulator = *handle;

    CHECK(simulator->busy == 0);
    for (size_t i = 0; i < simulator->count; i++) {
        mailing_set_unread(&simulator->messages[i]->mailing, 0);
        CHECK(list_is_empty(&simulator->messages[i]->mailing.jobs));
        memory_free(simulator->messages[i]);
    }
    memory_free(simulator->messages);
    for (struct map_entry *entry = map_first(simulator->hops); entry != NULL; entry = map_next(entry))
        memory_free(map_entry_value(entry));
    map_destroy(&simulator->hops);
    scheduler_destroy(&simulator->scheduler);
    memory_free(simulator);
    *handle = NULL;
}

static struct hop *find_hop(struct simulator *simulator, struct str nexthop)
{
    struct hop *hop = map_get(simulator->hops, nexthop);

    if (hop != NULL)
        return hop;
    hop = memory_alloc(sizeof *hop);
    hop->takes = seconds(1);
    map_set(simulator->hops, nexthop, hop);
    return hop;
}

void simulator_set_hop(struct simulator *simulator, struct str nexthop, struct duration takes, bool is_dead)
{
    struct hop *hop = find_hop(simulator, nexthop);

    hop->takes = takes;
    hop->is_dead = is_dead;
}

/* ---- messages ---- */

size_t simulator_send_kind(struct simulator *simulator, bool is_deferred)
{
    struct message *message = memory_alloc(sizeof *message);

    if (simulator->count == simulator->capacity) {
        simulator->capacity = simulator->capacity > 0 ? 2 * simulator->capacity : 64;
        simulator->messages = memory_resize(simulator->messages, simulator->capacity * sizeof(*simulator->messages));
    }
    mailing_init(simulator->scheduler, &message->mailing, is_deferred, simulator->now);
    list_init(&message->entries);
    message->known.entered = simulator->slots;
    simulator->messages[simulator->count] = message;
    return simulator->count++;
}

size_t simulator_send(struct simulator *simulator)
{
    return simulator_send_kind(simulator, false);
}

void simulator_add_recipient(struct simulator *simulator, size_t number, struct str nexthop, struct str address)
{
    struct message *message = simulator->messages[number];
    struct destination *destination = transport_destination(simulator->transport, nexthop, address);
    struct str dsn, reason;

    if (destination_is_dead(destination, simulator->now, &dsn, &reason))
        message->known.deferred++;
    else
        destination_add(destination, &message->mailing, message, message->recipients++, &message->entries);
}

void simulator_set_unread(struct simulator *simulator, size_t message, size_t unread)
{
    mailing_set_unread(&simulator->messages[message]->mailing, unread);
}

/* ---- deliveries ---- */

static void start(struct simulator *simulator, struct entry *entry)
{
    struct running *running = memory_alloc(sizeof *running);
    struct message *message = entry->message;

    running->entry = entry;
    running->hop = find_hop(simulator, destination_nexthop(entry->destination));
    running->ends = instant_add(simulator->now, running->hop->takes);
    running->hop->slots++;
    heap_add(&simulator->running, &running->node);
    simulator->busy++;
    simulator->slots++;
    if (message->known.first == 0)
        message->known.first = simulator->slots;
    message->known.last = simulator->slots;
    message->known.slots++;
}

static void defer_waiting(struct destination *destination)
{
    struct entry *entry;

    while (destination_entries(destination) > 0 && (entry = destination_first_waiting(destination)) != NULL) {
        bool is_last = destination_entries(destination) == 1;

        ((struct message *) entry->message)->known.deferred += entry->count;
        entry_drop(entry);
        if (is_last)
            return;
    }
}

static void finish_first(struct simulator *simulator)
{
    struct running *running = CONTAINER_OF(heap_first(&simulator->running), struct running, node);
    struct entry *entry = running->entry;
    struct destination *destination = entry->destination;

    heap_remove(&simulator->running, &running->node);
    simulator->now = running->ends;
    simulator->busy--;
    ((struct message *) entry->message)->known.finished = simulator->now;
    if (!running->hop->is_dead)
        entry_finish(entry, simulator->now);
    else if (entry_finish_failed(entry, simulator->now, STR("4.4.1"), STR("connection timed out")))
        defer_waiting(destination);
    memory_free(running);
}

bool simulator_step(struct simulator *simulator)
{
    for (;;) {
        struct entry *entry = NULL;
        struct instant when;

        if (simulator->busy < simulator->agents)
            entry = transport_next(simulator->transport, simulator->now);
        if (entry != NULL) {
            start(simulator, entry);
            return true;
        }
        if (simulator->busy > 0)
            finish_first(simulator);
        else if (transport_waiting(simulator->transport) > 0 &&
                 transport_wakes(simulator->transport, simulator->now, &when))
            simulator->now = when;
        else
            return false;
    }
}

void simulator_run(struct simulator *simulator)
{
    while (simulator_step(simulator))
        continue;
}

/* ---- what came of it ---- */

const struct simulated_message *simulator_message(const struct simulator *simulator, size_t message)
{
    return &simulator->messages[message]->known;
}

uint64_t simulator_slots(const struct simulator *simulator)
{
    return simulator->slots;
}

struct instant simulator_now(const struct simulator *simulator)
{
    return simulator->now;
}

uint64_t simulator_hop_slots(const struct simulator *simulator, struct str nexthop)
{
    const struct hop *hop = map_get(simulator->hops, nexthop);

    return hop != NULL ? hop->slots : 0;
}

uint64_t simulator_steps(const struct simulator *simulator)
{
    return scheduler_steps(simulator->scheduler);
}
