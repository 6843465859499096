/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SCHEDULER_H
#define QMGR_SCHEDULER_H

#include "base/list.h"
#include "base/str.h"
#include "base/time.h"

/*
 * scheduler - which delivery goes next. No I/O, no clock: the caller brings the time.
 *
 * A transport is a service of master.cf; within it a destination is a next hop (with a recipient limit of 1: a
 * recipient), with a window of concurrent deliveries that grows by success and shrinks by failures of the hop. An entry
 * is one delivery: recipients of one message that go to one destination. The destinations of a transport take turns.
 * A destination whose window failed as a whole is dead for a while; what waits there is the caller's to move.
 */
struct scheduler;
struct transport;
struct destination;

struct scheduler_limits {
    unsigned concurrency;         /* most deliveries at one time to a destination; 0: no limit */
    unsigned initial_concurrency; /* the window of a new destination */
    unsigned recipients;          /* most recipients of an entry */
    unsigned failed_cohorts;      /* so many windows full of failures make it dead */
};

struct entry {
    struct list queue_node;   /* waiting in its destination */
    struct list message_node; /* in the owner's list of the message */
    struct destination *destination;
    void *message; /* the caller's */
    size_t *places;
    size_t count;
    bool is_in_hand;
};

struct scheduler *scheduler_create(struct duration dead_time);
/* No entry may be left. */
void scheduler_destroy(struct scheduler **scheduler);

/* NULL if it was never made. */
struct transport *scheduler_find_transport(struct scheduler *scheduler, struct str name);
struct transport *scheduler_add_transport(struct scheduler *scheduler, struct str name,
                                          const struct scheduler_limits *limits, void *owner);
struct str transport_name(const struct transport *transport);
void *transport_owner(const struct transport *transport);
/* Entries that wait. */
size_t transport_waiting(const struct transport *transport);

/* An entry may go now. */
bool transport_is_ready(const struct transport *transport);

/* Of one message's recipients; address is for transports whose limit makes the recipient the destination. */
struct destination *transport_destination(struct transport *transport, struct str nexthop, struct str address);
struct transport *destination_transport(const struct destination *destination);
struct str destination_nexthop(const struct destination *destination);

/* Dead at that time; why is told by the two views, valid while it is dead. */
bool destination_is_dead(struct destination *destination, struct instant now, struct str *dsn_out,
                         struct str *reason_out);

/*
 * Adds a recipient (its place in the message) to the entry of this message that is being filled, or to a new one at
 * the end of the queue, which is then linked to message_entries.
 */
void destination_add(struct destination *destination, void *message, size_t place, struct list *message_entries);

/* The next entry that may go, now in hand; NULL if none may. */
struct entry *transport_next(struct transport *transport);

/* The agent is through with it and the hop is well. Frees the entry. */
void entry_finish(struct entry *entry);
/* The hop failed. True when that made the destination dead. Frees the entry. */
bool entry_finish_failed(struct entry *entry, struct instant now, struct str dsn, struct str reason);
/* Nobody knows what became of it: back to the head of its queue. */
void entry_return(struct entry *entry);
/* Frees an entry that is not in hand. */
void entry_drop(struct entry *entry);

/* The first waiting entry of a destination or of a whole transport, for moving and dropping; NULL at the end. */
struct entry *destination_first_waiting(struct destination *destination);
struct entry *transport_first_waiting(struct transport *transport);

/* No destination is dead any more. */
void scheduler_revive(struct scheduler *scheduler);

#endif
