/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/memory.h"
#include "qmgr/scheduler_private.h"

/* From so many peers on they are found by a map. */
enum { MANY_PEERS = 8 };

/* Where both wait, two new messages go to one that was deferred. */
enum { STEP_NEW = 1, STEP_DEFERRED = 2 };

bool job_is_before(const struct job *a, const struct job *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if (a->level != b->level)
        return a->level > b->level;
    if (a->overtook != b->overtook)
        return a->overtook < b->overtook;
    return a->mailing->turn < b->mailing->turn;
}

size_t job_most_left(const struct job *job)
{
    return job->waiting + job->mailing->unread;
}

/* What is not read yet may go to any of the message's transports, as full entries. */
size_t job_least_left(const struct job *job)
{
    bool is_only = job->mailing->jobs.next == job->mailing->jobs.previous;

    return job->waiting + (is_only ? job->mailing->unread / job->transport->limits.recipients : 0);
}

/*
 * Behind the last of its kind, but not behind what is only queued of the other kind: each kind has a row of ranks of
 * its own, which begins where the slots are now.
 */
static uint64_t make_rank(struct transport *transport, bool is_deferred)
{
    uint64_t *last = &transport->last_rank[is_deferred];

    if (*last < transport->rank_now)
        *last = transport->rank_now;
    *last += is_deferred ? STEP_DEFERRED : STEP_NEW;
    return *last;
}

/* ---- finding ---- */

static struct job *find_job(struct mailing *mailing, struct transport *transport)
{
    struct job *job;

    for (struct list *node = mailing->jobs.next; node != &mailing->jobs; node = node->next) {
        job = CONTAINER_OF(node, struct job, mailing_node);
        transport->scheduler->steps++;
        if (job->transport == transport)
            return job;
    }
    job = memory_alloc(sizeof *job);
    job->transport = transport;
    job->mailing = mailing;
    job->rank = make_rank(transport, mailing->is_deferred);
    list_append(&mailing->jobs, &job->mailing_node);
    list_init(&job->peers);
    list_init(&job->borrowers);
    list_init(&job->borrower_node);
    job->class = preemption_class(job_most_left(job));
    return job;
}

static struct str key_of(struct destination *const *destination)
{
    return str_make((const char *) destination, sizeof *destination); /* UNSAFE: the pointer's bytes are the key */
}

static struct peer *find_known(const struct job *job, struct destination *destination)
{
    if (job->by_destination != NULL)
        return map_get(job->by_destination, key_of(&destination));
    for (struct list *node = job->peers.next; node != &job->peers; node = node->next) {
        struct peer *peer = CONTAINER_OF(node, struct peer, job_node);

        job->transport->scheduler->steps++;
        if (peer->destination == destination)
            return peer;
    }
    return NULL;
}

static void make_map(struct job *job)
{
    job->by_destination = map_create();
    for (struct list *node = job->peers.next; node != &job->peers; node = node->next) {
        struct peer *peer = CONTAINER_OF(node, struct peer, job_node);

        map_set(job->by_destination, key_of(&peer->destination), peer);
    }
}

struct peer *job_find_peer(struct mailing *mailing, struct destination *destination)
{
    struct job *job = find_job(mailing, destination->transport);
    struct peer *peer = find_known(job, destination);

    if (peer != NULL)
        return peer;
    peer = memory_alloc(sizeof *peer);
    peer->job = job;
    peer->destination = destination;
    peer->turn = ++job->next_turn;
    list_init(&peer->entries);
    list_append(&job->peers, &peer->job_node);
    job->peer_count++;
    if (job->by_destination != NULL)
        map_set(job->by_destination, key_of(&destination), peer);
    else if (job->peer_count > MANY_PEERS)
        make_map(job);
    return peer;
}

/* ---- ending ---- */

static void job_free(struct job *job)
{
    preemption_end(job);
    CHECK(list_is_empty(&job->borrowers));
    map_destroy(&job->by_destination);
    list_remove(&job->mailing_node);
    memory_free(job);
}

void peer_settle(struct peer *peer)
{
    struct job *job = peer->job;

    if (!list_is_empty(&peer->entries) || peer->in_hand > 0)
        return;
    if (job->by_destination != NULL)
        map_remove(job->by_destination, key_of(&peer->destination));
    list_remove(&peer->job_node);
    job->peer_count--;
    memory_free(peer);
    if (job->peer_count == 0 && job->mailing->unread == 0)
        job_free(job);
}

/* ---- size ---- */

static void change_class(struct job *job, unsigned class)
{
    job->class = class;
    if (job->transport->limits.slot_cost == 0)
        return;
    for (struct list *node = job->peers.next; node != &job->peers; node = node->next) {
        struct peer *peer = CONTAINER_OF(node, struct peer, job_node);

        job->transport->scheduler->steps++;
        if (!peer->order_node.is_in)
            continue;
        lane_leave(peer);
        lane_join(peer);
        destination_refresh(peer->destination);
    }
}

void job_settle(struct job *job)
{
    unsigned class = preemption_class(job_most_left(job));

    if (class != job->class)
        change_class(job, class);
}

void mailing_init(struct scheduler *scheduler, struct mailing *mailing, bool is_deferred, struct instant now)
{
    *mailing = (struct mailing){
        .scheduler = scheduler, .turn = ++scheduler->turn, .is_deferred = is_deferred, .entered = now
    };
    list_init(&mailing->jobs);
}

void mailing_set_unread(struct mailing *mailing, size_t unread)
{
    struct list *next;

    mailing->unread = unread;
    for (struct list *node = mailing->jobs.next; node != &mailing->jobs; node = next) {
        struct job *job = CONTAINER_OF(node, struct job, mailing_node);

        next = node->next;
        if (job->peer_count == 0 && unread == 0)
            job_free(job);
        else
            job_settle(job);
    }
}

struct transport *mailing_transport(const struct mailing *mailing, size_t n, uint64_t *overtook_out)
{
    const struct list *node = mailing->jobs.next;
    const struct job *job;

    while (node != &mailing->jobs && n-- > 0)
        node = node->next;
    if (node == &mailing->jobs)
        return NULL;
    job = CONTAINER_OF(node, const struct job, mailing_node);
    *overtook_out = job->level > 0 ? job->overtook : 0;
    return job->transport;
}
