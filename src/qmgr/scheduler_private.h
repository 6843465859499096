/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SCHEDULER_PRIVATE_H
#define QMGR_SCHEDULER_PRIVATE_H

/*
 * scheduler_private - what the scheduler's files share: scheduler.c (transports, the choice), destination.c (windows,
 * rest, death), entry.c, job.c (messages in a transport), preemption.c (who overtakes whom).
 *
 * A job is a message in one transport, a peer is a job's entries for one destination. Each destination orders its
 * waiting peers by their jobs' order, each transport its ready destinations by their first peer. Beside that a
 * destination has a lane for each class of size, and the transport orders the lanes of a class by their oldest: these
 * are the candidates that may overtake. A destination that becomes ready or full moves itself and its lanes, never
 * the messages behind it.
 */

#include "base/heap.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "qmgr/scheduler.h"

enum { CLASS_MAXIMUM = 64 };

struct scheduler {
    struct map *transports;
    struct duration dead_time;
    size_t dead_maximum;
    size_t dead_count;
    struct heap dead; /* destinations by the end of their death */
    uint64_t turn;
    uint64_t steps;
    scheduler_watcher *watcher; /* may be NULL */
};

struct transport {
    struct scheduler *scheduler;
    struct str name;
    struct scheduler_limits limits;
    void *owner;
    struct map *destinations;
    struct list waiting_destinations;         /* that have waiting entries */
    struct list idle_destinations;            /* the first idle first */
    struct heap ready;                        /* destinations whose first waiting peer may go now */
    struct heap resting;                      /* destinations that wait for a time */
    struct heap candidates[2][CLASS_MAXIMUM]; /* new, deferred */
    uint64_t classes[2];                      /* which of them are not empty */
    uint64_t rank_now;                        /* of the job that had the last slot */
    uint64_t last_rank[2];                    /* of new, of deferred mail */
    size_t waiting;
    struct instant next_start;
};

struct destination {
    struct transport *transport;
    struct str key;
    struct str nexthop;
    struct heap peers; /* with waiting entries */
    struct list lanes; /* that are not empty */
    struct list waiting_node;
    struct list idle_node;
    struct heap_node ready_node;
    struct heap_node resting_node;
    struct heap_node dead_node;
    bool is_ready; /* as of its last refresh; its lanes are candidates then */
    size_t waiting;
    unsigned busy;
    struct window window;
    struct instant rests_until;
    struct instant last_end;    /* of a delivery; 0: none yet */
    struct instant clogs_since; /* 0: does not */
    struct instant dead_until;  /* 0: alive */
    struct strbuf dead_dsn;
    struct strbuf dead_reason;
};

/* The waiting peers of a destination whose jobs are of one class of size, all new or all deferred mail. */
struct lane {
    struct destination *destination;
    struct list node;
    unsigned class;
    bool is_deferred;
    struct heap peers; /* by age */
    struct heap_node candidate_node;
};

struct job {
    struct transport *transport;
    struct mailing *mailing;
    struct list mailing_node;
    struct list peers;
    size_t peer_count;
    struct map *by_destination; /* once there are many */
    size_t waiting;             /* entries */
    size_t in_hand;
    uint64_t selected; /* entries so far */
    uint64_t lent;     /* slots that others had of it */
    uint64_t next_turn;
    unsigned class;
    /* Its place in the transport's order; overtakers stand before the one that they overtook, at its rank. */
    uint64_t rank;
    unsigned level;
    uint64_t overtook; /* when */
    /* Whose slots it uses, and how many of those it took are not used yet. */
    struct job *lender;
    struct list borrower_node;
    struct list borrowers;
    size_t reserved;
};

struct peer {
    struct job *job;
    struct destination *destination;
    struct list job_node;
    struct list entries; /* waiting */
    size_t in_hand;
    struct entry *filling; /* the last one, while it may take more */
    uint64_t turn;         /* among the peers of its job */
    struct heap_node order_node;
    struct heap_node lane_node;
    struct lane *lane;
};

/* ---- destination.c ---- */

struct str scheduler_copy(struct str text);
void scheduler_forget(struct str *text);
/* After any change: in or out of the orders that it belongs in. */
void destination_refresh(struct destination *destination);
/* The same, and an idle one is forgotten, at once or when the end of its last delivery is a second old. */
void destination_settle(struct destination *destination);
void destination_free(struct destination *destination);
void destination_rest(struct destination *destination, struct instant now);
/* What a delivery tells of its hop; while it still counts as busy. */
void destination_succeed(struct destination *destination);
/* True when it is dead now. */
bool destination_fail(struct destination *destination, struct instant now, struct str dsn, struct str reason);
void destination_revive(struct destination *destination);
/* The orders of the heaps: ready, resting, dead. */
bool destination_is_before(const struct heap_node *a, const struct heap_node *b);
bool destination_rests_before(const struct heap_node *a, const struct heap_node *b);
bool destination_revives_before(const struct heap_node *a, const struct heap_node *b);

/* ---- lane.c ---- */

/*
 * A waiting peer joins its destination's order and lane, or leaves them; nothing if it is there already, or not there.
 * Its destination is to be refreshed afterwards.
 */
void lane_join(struct peer *peer);
void lane_leave(struct peer *peer);
/* After its destination became ready or full. */
void lane_refresh(struct lane *lane);
/* NULL if none waits. */
struct peer *destination_first_peer(const struct destination *destination);
struct job *lane_oldest_job(const struct lane *lane);
bool lane_is_before(const struct heap_node *a, const struct heap_node *b);
bool peer_is_before(const struct heap_node *a, const struct heap_node *b);

/* ---- job.c ---- */

struct peer *job_find_peer(struct mailing *mailing, struct destination *destination);
/* Most entries that it may yet become. */
size_t job_most_left(const struct job *job);
/* Fewest, as far as is known. */
size_t job_least_left(const struct job *job);
bool job_is_before(const struct job *a, const struct job *b);
/* After its number of entries changed: another class, or nothing left. */
void job_settle(struct job *job);
void peer_settle(struct peer *peer);

/* ---- preemption.c ---- */

/* If another job may go before the one whose turn it is, it does from now on. */
void preemption_try(struct job *current, struct instant now);
/* An entry of the job was selected: counted, and paid for by its lender. */
void preemption_count(struct job *job);
/* It goes: gives back what it did not use. */
void preemption_end(struct job *job);
unsigned preemption_class(size_t entries);

#endif
