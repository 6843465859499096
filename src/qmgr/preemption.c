/* SPDX-License-Identifier: Apache-2.0 */
#include "qmgr/scheduler_private.h"

/* Sizes up to this have a class of their own, above there are two classes an octave. */
enum { EXACT_CLASSES = 7 };

unsigned preemption_class(size_t entries)
{
    unsigned octave = 0;
    unsigned class;

    if (entries <= EXACT_CLASSES)
        return entries > 0 ? (unsigned) entries - 1 : 0;
    while (entries >> (octave + 1) != 0)
        octave++;
    class = EXACT_CLASSES + (octave - 3) * 2 + ((entries >> (octave - 1)) & 1);
    return class < CLASS_MAXIMUM ? class : CLASS_MAXIMUM - 1;
}

/* ---- the candidate ---- */

/* The longest wait for each entry that it needs. */
static bool deserves_more(const struct job *a, const struct job *b, struct instant now)
{
    int64_t age = instant_since(now, a->mailing->entered).us + 1;
    int64_t other_age = instant_since(now, b->mailing->entered).us + 1;

    return age * (int64_t) job_most_left(b) > other_age * (int64_t) job_most_left(a);
}

/* The oldest of each class of size compete, among destinations that may get something now. */
static struct job *choose_of(const struct job *current, bool is_deferred, size_t most, struct instant now)
{
    struct transport *transport = current->transport;
    unsigned last = preemption_class(most);
    uint64_t classes = transport->classes[is_deferred] & (last >= 63 ? UINT64_MAX : (UINT64_C(1) << (last + 1)) - 1);
    struct job *best = NULL;

    while (classes != 0) {
        unsigned class = (unsigned) __builtin_ctzll(classes);
        struct lane *lane =
            CONTAINER_OF(heap_first(&transport->candidates[is_deferred][class]), struct lane, candidate_node);
        struct job *job = lane_oldest_job(lane);

        transport->scheduler->steps++;
        classes &= classes - 1;
        if (job == current || job_most_left(job) > most)
            continue;
        if (best == NULL || deserves_more(job, best, now))
            best = job;
    }
    return best;
}

/* Deferred mail overtakes when no new mail can. */
static struct job *choose(const struct job *current, size_t most, struct instant now)
{
    struct job *fresh = choose_of(current, false, most, now);

    return fresh != NULL ? fresh : choose_of(current, true, most, now);
}

/* ---- slots ---- */

static void give_back(struct job *job)
{
    if (job->lender == NULL)
        return;
    job->lender->lent -= job->reserved;
    job->reserved = 0;
    job->lender = NULL;
    list_remove(&job->borrower_node);
}

void preemption_end(struct job *job)
{
    give_back(job);
    while (!list_is_empty(&job->borrowers)) {
        struct job *borrower = CONTAINER_OF(job->borrowers.next, struct job, borrower_node);

        borrower->lender = NULL;
        list_remove(&borrower->borrower_node);
    }
}

void preemption_count(struct job *job)
{
    job->selected++;
    if (job->lender == NULL)
        return;
    if (job->reserved > 0)
        job->reserved--;
    else
        job->lender->lent++;
    if (job_most_left(job) == 0)
        give_back(job);
}

/* ---- overtaking ---- */

static void move_before(struct job *job, const struct job *current)
{
    struct list *node;

    for (node = job->peers.next; node != &job->peers; node = node->next)
        lane_leave(CONTAINER_OF(node, struct peer, job_node));
    job->rank = current->rank;
    job->level = current->level + 1;
    job->overtook = ++current->transport->scheduler->turn;
    for (node = job->peers.next; node != &job->peers; node = node->next) {
        struct peer *peer = CONTAINER_OF(node, struct peer, job_node);

        job->transport->scheduler->steps++;
        if (list_is_empty(&peer->entries))
            continue;
        lane_join(peer);
        destination_refresh(peer->destination);
    }
}

static void borrow(struct job *job, struct job *lender)
{
    give_back(job);
    job->lender = lender;
    job->reserved = job_most_left(job);
    lender->lent += job->reserved;
    list_append(&lender->borrowers, &job->borrower_node);
}

/* Part of the slots may still be missing, if nothing is owed from the last time. */
static bool can_afford(const struct job *current, uint64_t cost, size_t slots)
{
    const struct scheduler_limits *limits = &current->transport->limits;
    uint64_t discount = limits->slot_discount < 100 ? limits->slot_discount : 100;
    uint64_t earned = current->selected - cost * current->lent;

    return earned * 100 + cost * limits->slot_loan * 100 >= cost * slots * (100 - discount);
}

void preemption_try(struct job *current, struct instant now)
{
    const struct scheduler_limits *limits = &current->transport->limits;
    uint64_t cost = limits->slot_cost == 1 ? 2 : limits->slot_cost;
    uint64_t most;
    struct job *candidate;

    if (cost == 0)
        return;
    most = (current->selected + job_least_left(current)) / cost;
    if (most < limits->minimum_slots || most <= current->lent || current->selected < cost * current->lent)
        return;
    candidate = choose(current, (size_t) (most - current->lent), now);
    if (candidate == NULL || !can_afford(current, cost, job_most_left(candidate)))
        return;
    borrow(candidate, current);
    move_before(candidate, current);
}
