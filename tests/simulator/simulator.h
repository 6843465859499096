/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SIMULATOR_H
#define SIMULATOR_H

#include "qmgr/scheduler.h"

/*
 * simulator - runs the queue manager's scheduler on virtual time: messages come, a number of agents deliver, each next
 * hop takes its time or cannot be reached.
 *
 * A slot is the start of one delivery; slots are counted from 1. Nothing here waits or looks at a clock.
 */
struct simulator;

/* What is known of a message; all in slots but finished. */
struct simulated_message {
    uint64_t entered; /* slots that had been given when it came */
    uint64_t first;   /* its first delivery; 0: none yet */
    uint64_t last;
    uint64_t slots;    /* that it had */
    uint64_t deferred; /* recipients that its dead hop cost it */
    struct instant finished;
};

/* What main.cf says when it says nothing. */
struct scheduler_limits simulator_default_limits(void);

struct simulator *simulator_create(const struct scheduler_limits *limits, size_t agents);
void simulator_destroy(struct simulator **simulator);

/* A delivery to the hop takes so long; with is_dead, the connection fails after that. Others take a second. */
void simulator_set_hop(struct simulator *simulator, struct str nexthop, struct duration takes, bool is_dead);

/* A message that comes now. Recipients are added afterwards; returns its number, from 0. */
size_t simulator_send(struct simulator *simulator);
size_t simulator_send_kind(struct simulator *simulator, bool is_deferred);
void simulator_add_recipient(struct simulator *simulator, size_t message, struct str nexthop, struct str address);
/* So many that are not in memory; see mailing_set_unread. */
void simulator_set_unread(struct simulator *simulator, size_t message, size_t unread);

/* One more delivery starts, once an agent is free and something may go. False: nothing is left to start. */
bool simulator_step(struct simulator *simulator);
/* Until all is delivered or deferred. */
void simulator_run(struct simulator *simulator);

const struct simulated_message *simulator_message(const struct simulator *simulator, size_t message);
uint64_t simulator_slots(const struct simulator *simulator);
struct instant simulator_now(const struct simulator *simulator);
/* Slots that went to the hop. */
uint64_t simulator_hop_slots(const struct simulator *simulator, struct str nexthop);
uint64_t simulator_steps(const struct simulator *simulator);

#endif
