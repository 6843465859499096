/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "qmgr/scheduler_private.h"

static bool is_power_of_two(size_t n)
{
    return (n & (n - 1)) == 0;
}

static void count_waiting(struct peer *peer, bool is_more)
{
    size_t change = is_more ? 1 : (size_t) -1;

    peer->job->waiting += change;
    peer->destination->waiting += change;
    peer->destination->transport->waiting += change;
}

/* ---- in and out of the queue ---- */

static void enqueue(struct entry *entry, bool is_first)
{
    struct peer *peer = entry->peer;

    if (is_first)
        list_prepend(&peer->entries, &entry->queue_node);
    else
        list_append(&peer->entries, &entry->queue_node);
    count_waiting(peer, true);
    job_settle(peer->job);
    lane_join(peer);
    destination_refresh(peer->destination);
}

/* The peer's turn is over: others of its job come first now. */
static void dequeue(struct entry *entry)
{
    struct peer *peer = entry->peer;

    lane_leave(peer);
    list_remove(&entry->queue_node);
    if (peer->filling == entry)
        peer->filling = NULL;
    count_waiting(peer, false);
    peer->turn = ++peer->job->next_turn;
    if (!list_is_empty(&peer->entries))
        lane_join(peer);
    job_settle(peer->job);
}

static void entry_free(struct entry *entry)
{
    list_remove(&entry->message_node);
    memory_free(entry->places);
    memory_free(entry);
}

/* ---- making ---- */

static struct entry *entry_create(struct peer *peer, void *message, struct list *message_entries)
{
    struct entry *entry = memory_alloc(sizeof *entry);

    entry->peer = peer;
    entry->destination = peer->destination;
    entry->message = message;
    list_init(&entry->queue_node);
    list_init(&entry->message_node);
    list_append(message_entries, &entry->message_node);
    peer->filling = entry;
    return entry;
}

static void add_place(struct entry *entry, size_t place)
{
    if (is_power_of_two(entry->count))
        entry->places = memory_resize(entry->places, (entry->count > 0 ? 2 * entry->count : 1) * sizeof *entry->places);
    entry->places[entry->count++] = place;
}

void destination_add(struct destination *destination, struct mailing *mailing, void *message, size_t place,
                     struct list *message_entries)
{
    struct peer *peer = job_find_peer(mailing, destination);
    struct entry *entry = peer->filling;

    if (entry != NULL && entry->message == message && !mailing->is_one_by_one &&
        entry->count < destination->transport->limits.recipients) {
        add_place(entry, place);
        return;
    }
    entry = entry_create(peer, message, message_entries);
    add_place(entry, place);
    enqueue(entry, false);
}

void destination_add_alone(struct destination *destination, struct mailing *mailing, void *message, size_t place,
                           struct list *message_entries)
{
    struct peer *peer = job_find_peer(mailing, destination);
    struct entry *filling = peer->filling;
    struct entry *entry = entry_create(peer, message, message_entries);

    peer->filling = filling;
    add_place(entry, place);
    enqueue(entry, false);
}

/* ---- the choice ---- */

static void wake_rested(struct transport *transport, struct instant now)
{
    struct heap_node *node;

    while ((node = heap_first(&transport->resting)) != NULL) {
        struct destination *destination = CONTAINER_OF(node, struct destination, resting_node);

        if (instant_is_before(now, destination->rests_until))
            return;
        heap_remove(&transport->resting, node);
        destination->rests_until = (struct instant){ 0 };
        destination_settle(destination);
    }
}

bool transport_is_ready(struct transport *transport, struct instant now)
{
    wake_rested(transport, now);
    return !heap_is_empty(&transport->ready) && !instant_is_before(now, transport->next_start);
}

static struct peer *first_peer(const struct transport *transport)
{
    return destination_first_peer(CONTAINER_OF(heap_first(&transport->ready), struct destination, ready_node));
}

struct entry *transport_next(struct transport *transport, struct instant now)
{
    struct peer *peer;
    struct entry *entry;

    if (!transport_is_ready(transport, now))
        return NULL;
    preemption_try(first_peer(transport)->job, now);
    peer = first_peer(transport);
    entry = CONTAINER_OF(peer->entries.next, struct entry, queue_node);
    dequeue(entry);
    entry->is_in_hand = true;
    peer->in_hand++;
    peer->job->in_hand++;
    peer->destination->busy++;
    if (transport->rank_now < peer->job->rank)
        transport->rank_now = peer->job->rank;
    preemption_count(peer->job);
    destination_refresh(peer->destination);
    if (transport->limits.transport_delay.us > 0)
        transport->next_start = instant_add(now, transport->limits.transport_delay);
    return entry;
}

/* ---- the end ---- */

/* Out of the agent's hands; its peer and its destination are looked at by the caller. */
static struct destination *put_down(struct entry *entry)
{
    struct peer *peer = entry->peer;

    CHECK(entry->is_in_hand);
    entry->is_in_hand = false;
    peer->in_hand--;
    peer->job->in_hand--;
    peer->destination->busy--;
    return peer->destination;
}

void entry_finish(struct entry *entry, struct instant now)
{
    struct destination *destination = entry->destination;
    struct peer *peer = entry->peer;

    destination_succeed(destination);
    put_down(entry);
    entry_free(entry);
    destination->last_end = now;
    peer_settle(peer);
    destination_rest(destination, now);
    destination_settle(destination);
}

bool entry_finish_failed(struct entry *entry, struct instant now, struct str dsn, struct str reason)
{
    struct peer *peer = entry->peer;
    struct destination *destination = put_down(entry);
    bool is_dead = destination_fail(destination, now, dsn, reason);

    entry_free(entry);
    destination->last_end = now;
    peer_settle(peer);
    destination_rest(destination, now);
    destination_settle(destination);
    return is_dead;
}

void entry_return(struct entry *entry)
{
    struct destination *destination = put_down(entry);

    enqueue(entry, true);
    destination_refresh(destination);
}

void entry_drop(struct entry *entry)
{
    struct destination *destination = entry->destination;
    struct peer *peer = entry->peer;

    CHECK(!entry->is_in_hand);
    dequeue(entry);
    entry_free(entry);
    peer_settle(peer);
    destination_settle(destination);
}

struct entry *destination_first_waiting(struct destination *destination)
{
    struct peer *peer = destination_first_peer(destination);

    return peer != NULL ? CONTAINER_OF(peer->entries.next, struct entry, queue_node) : NULL;
}

struct entry *transport_first_waiting(struct transport *transport)
{
    struct list *first = transport->waiting_destinations.next;

    if (first == &transport->waiting_destinations)
        return NULL;
    return destination_first_waiting(CONTAINER_OF(first, struct destination, waiting_node));
}
