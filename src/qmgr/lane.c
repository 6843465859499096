/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "qmgr/scheduler_private.h"

/* ---- orders ---- */

static struct peer *peer_of_order(const struct heap_node *node)
{
    return CONTAINER_OF(node, struct peer, order_node);
}

bool peer_is_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct peer *first = peer_of_order(a);
    const struct peer *second = peer_of_order(b);

    first->job->transport->scheduler->steps++;
    if (first->job == second->job)
        return first->turn < second->turn;
    return job_is_before(first->job, second->job);
}

static bool peer_is_older(const struct heap_node *a, const struct heap_node *b)
{
    const struct peer *first = CONTAINER_OF(a, struct peer, lane_node);
    const struct peer *second = CONTAINER_OF(b, struct peer, lane_node);

    first->job->transport->scheduler->steps++;
    return first->job->mailing->turn < second->job->mailing->turn;
}

struct peer *destination_first_peer(const struct destination *destination)
{
    return heap_is_empty(&destination->peers) ? NULL : peer_of_order(heap_first(&destination->peers));
}

struct job *lane_oldest_job(const struct lane *lane)
{
    return CONTAINER_OF(heap_first(&lane->peers), struct peer, lane_node)->job;
}

bool lane_is_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct lane *first = CONTAINER_OF(a, struct lane, candidate_node);
    const struct lane *second = CONTAINER_OF(b, struct lane, candidate_node);

    first->destination->transport->scheduler->steps++;
    return lane_oldest_job(first)->mailing->turn < lane_oldest_job(second)->mailing->turn;
}

/* ---- lanes ---- */

static uint64_t bit_of(const struct lane *lane)
{
    return UINT64_C(1) << lane->class;
}

/* Out of the candidates: what they are ordered by may change now. */
static void lift(struct lane *lane)
{
    struct transport *transport = lane->destination->transport;
    struct heap *candidates = &transport->candidates[lane->is_deferred][lane->class];

    heap_remove(candidates, &lane->candidate_node);
    if (heap_is_empty(candidates))
        transport->classes[lane->is_deferred] &= ~bit_of(lane);
}

void lane_refresh(struct lane *lane)
{
    struct transport *transport = lane->destination->transport;

    lift(lane);
    if (heap_is_empty(&lane->peers)) {
        list_remove(&lane->node);
        memory_free(lane);
    } else if (lane->destination->is_ready) {
        heap_add(&transport->candidates[lane->is_deferred][lane->class], &lane->candidate_node);
        transport->classes[lane->is_deferred] |= bit_of(lane);
    }
}

static struct lane *find_lane(struct destination *destination, unsigned class, bool is_deferred)
{
    struct lane *lane;

    for (struct list *node = destination->lanes.next; node != &destination->lanes; node = node->next) {
        lane = CONTAINER_OF(node, struct lane, node);
        destination->transport->scheduler->steps++;
        if (lane->class == class && lane->is_deferred == is_deferred)
            return lane;
    }
    lane = memory_alloc(sizeof *lane);
    lane->destination = destination;
    lane->class = class;
    lane->is_deferred = is_deferred;
    heap_init(&lane->peers, peer_is_older);
    list_append(&destination->lanes, &lane->node);
    return lane;
}

void lane_join(struct peer *peer)
{
    struct destination *destination = peer->destination;

    if (peer->order_node.is_in)
        return;
    heap_remove(&destination->transport->ready, &destination->ready_node);
    heap_add(&destination->peers, &peer->order_node);
    if (destination->transport->limits.slot_cost == 0)
        return;
    peer->lane = find_lane(destination, peer->job->class, peer->job->mailing->is_deferred);
    lift(peer->lane);
    heap_add(&peer->lane->peers, &peer->lane_node);
    lane_refresh(peer->lane);
}

void lane_leave(struct peer *peer)
{
    struct destination *destination = peer->destination;

    if (!peer->order_node.is_in)
        return;
    heap_remove(&destination->transport->ready, &destination->ready_node);
    heap_remove(&destination->peers, &peer->order_node);
    if (peer->lane == NULL)
        return;
    lift(peer->lane);
    heap_remove(&peer->lane->peers, &peer->lane_node);
    lane_refresh(peer->lane);
    peer->lane = NULL;
}
