/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_SCHEDULER_H
#define QMGR_SCHEDULER_H

#include "base/list.h"
#include "base/str.h"
#include "base/time.h"
#include "qmgr/feedback.h"

/*
 * scheduler - which delivery goes next. No I/O, no clock: the caller brings the time. docs/scheduler.md has the idea,
 * the words (mailing, job, peer, entry), and what is bounded by what.
 *
 * A transport is a service of master.cf; within it a destination is a next hop (with a recipient limit of 1: a
 * recipient), with a window of concurrent deliveries. An entry is one delivery: recipients of one message that go to
 * one destination. Messages go in the order they came, new ones apart from deferred ones, and a small one overtakes a
 * large one that has slots to give. A destination whose window failed as a whole is dead for a while; what waits there
 * is the caller's to move.
 */
struct scheduler;
struct transport;
struct destination;
struct peer;

/* What main.cf says of a transport. */
struct scheduler_limits {
    unsigned concurrency;         /* most deliveries at one time to a destination; 0: no limit */
    unsigned initial_concurrency; /* the window of a new destination */
    unsigned recipients;          /* most recipients of an entry */
    unsigned failed_cohorts;      /* so many windows full of failures make it dead; 0: never */
    struct feedback positive;
    struct feedback negative;
    struct duration destination_delay; /* between deliveries to one destination, one at a time then */
    struct duration transport_delay;   /* between the starts of deliveries */
    unsigned slot_cost;                /* entries of a message that earn a slot; 0: nothing is overtaken */
    unsigned slot_loan;
    unsigned slot_discount; /* per cent */
    unsigned minimum_slots; /* a message that can never earn so many is not overtaken */
};

/* A message as the scheduler sees it; embedded by the caller. */
struct mailing {
    struct list jobs; /* its part of each transport */
    struct scheduler *scheduler;
    uint64_t turn; /* order of coming */
    bool is_deferred;
    struct instant entered;
    size_t unread;      /* recipients that are not in memory yet */
    bool is_one_by_one; /* no two recipients in an entry */
};

struct entry {
    struct list queue_node;   /* waiting in its peer */
    struct list message_node; /* in the owner's list of the message */
    struct peer *peer;
    struct destination *destination;
    void *message; /* the caller's */
    size_t *places;
    size_t count;
    bool is_in_hand;
};

/* At most dead_maximum dead destinations are remembered. */
struct scheduler *scheduler_create(struct duration dead_time, size_t dead_maximum);
/* No entry may be left, and no mailing with unread recipients. */
void scheduler_destroy(struct scheduler **scheduler);
/* Called with what each delivery did to its destination's window. */
typedef void scheduler_watcher(const struct destination *destination, bool is_success, double feedback);
void scheduler_watch(struct scheduler *scheduler, scheduler_watcher *watcher);
/* Comparisons made so far: what the choices cost. */
uint64_t scheduler_steps(const struct scheduler *scheduler);

/* Deferred mail goes in turns with new mail, and new mail is not behind what was there before it. */
void mailing_init(struct scheduler *scheduler, struct mailing *mailing, bool is_deferred, struct instant now);
/* So many recipients will yet come; at the end it must be 0. */
void mailing_set_unread(struct mailing *mailing, size_t unread);
/* The n-th transport that it has entries in, and at which turn it overtook another message there (0: did not); NULL
 * behind the last. */
struct transport *mailing_transport(const struct mailing *mailing, size_t n, uint64_t *overtook_out);

/* NULL if it was never made. */
struct transport *scheduler_find_transport(struct scheduler *scheduler, struct str name);
struct transport *scheduler_add_transport(struct scheduler *scheduler, struct str name,
                                          const struct scheduler_limits *limits, void *owner);
struct str transport_name(const struct transport *transport);
void *transport_owner(const struct transport *transport);
const struct scheduler_limits *transport_limits(const struct transport *transport);
/* Entries that wait. */
size_t transport_waiting(const struct transport *transport);
/* Those that are remembered. */
size_t transport_destinations(const struct transport *transport);

/* An entry may go now. */
bool transport_is_ready(struct transport *transport, struct instant now);
/* False when nothing waits only for its time; else when to look again, if nothing else happens before. */
bool transport_wakes(const struct transport *transport, struct instant now, struct instant *when_out);

/* Of one message's recipients; address is for transports whose limit makes the recipient the destination. */
struct destination *transport_destination(struct transport *transport, struct str nexthop, struct str address);
struct transport *destination_transport(const struct destination *destination);
struct str destination_nexthop(const struct destination *destination);
const struct window *destination_window(const struct destination *destination);
/* Entries that wait or are in hand, of others too. */
size_t destination_entries(const struct destination *destination);

/* A connection to it will be of use again: entries wait, or another delivery ended less than a second ago. */
bool destination_has_more(const struct destination *destination, struct instant now);

/*
 * True when it has had more entries than is fair for the period, as far as was looked, and at most once a period: look
 * whenever some were added.
 */
bool destination_clogs(struct destination *destination, size_t fair, struct duration period, struct instant now);

/* Dead at that time; why is told by the two views, valid while it is dead. */
bool destination_is_dead(struct destination *destination, struct instant now, struct str *dsn_out,
                         struct str *reason_out);

/*
 * Adds a recipient (its place in the message) to the entry of this message that is being filled, or to a new one,
 * which is then linked to message_entries. One mailing may have several messages: parts of its recipients.
 */
void destination_add(struct destination *destination, struct mailing *mailing, void *message, size_t place,
                     struct list *message_entries);
/* In an entry that no other recipient joins. */
void destination_add_alone(struct destination *destination, struct mailing *mailing, void *message, size_t place,
                           struct list *message_entries);

/* The next entry that may go, now in hand; NULL if none may. */
struct entry *transport_next(struct transport *transport, struct instant now);

/* The agent is through with it and the hop is well. Frees the entry. */
void entry_finish(struct entry *entry, struct instant now);
/* The hop failed. True when that made the destination dead. Frees the entry. */
bool entry_finish_failed(struct entry *entry, struct instant now, struct str dsn, struct str reason);
/* Nobody knows what became of it: back to the head of its queue. */
void entry_return(struct entry *entry);
/* Frees an entry that is not in hand. */
void entry_drop(struct entry *entry);

/*
 * A delivery that somebody else started counts in the window from here until it is given up; its end says nothing of
 * the hop. The destination may be gone after destination_vacate.
 */
void destination_occupy(struct destination *destination);
void destination_vacate(struct destination *destination, struct instant now);

/* A waiting entry of a destination or of a whole transport, for moving and dropping; NULL at the end. */
struct entry *destination_first_waiting(struct destination *destination);
struct entry *transport_first_waiting(struct transport *transport);

/* No destination is dead any more. */
void scheduler_revive(struct scheduler *scheduler);

#endif
