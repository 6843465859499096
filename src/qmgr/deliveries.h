/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_DELIVERIES_H
#define QMGR_DELIVERIES_H

#include "base/time.h"
#include "qmgr/active.h"
#include "qmgr/settings.h"

/*
 * deliveries - takes active messages to the delivery agents: resolves their recipients, lets the scheduler choose,
 * hands requests over and takes outcomes, and gives each message back to its keeper when all are recorded.
 *
 * A recipient whose agent died is tried again;
 * after the third such death of one message it is deferred.
 */
struct daemon;
struct deliveries;

/*
 * What agents from before this process's start have in hand and have finished: the keeper applies it to the messages
 * it finds. Called for each such report; unrecorded outcomes are to be recorded before it returns true.
 */
struct deliveries_census {
    bool (*unrecorded)(void *context, const struct deliver_outcome *outcomes, size_t count, struct failure *why);
    void (*in_hand)(void *context, const struct deliver_in_hand *delivery);
    void *context;
};

/* What master.cf says of one delivery transport. */
struct deliveries_transport {
    struct str name;
    unsigned processes; /* how many there may be */
};

/* Before the jail: reads master.cf. All in the arena. On failure there are none, and the mail can go on without. */
MUST_USE bool deliveries_find_transports(struct str config_directory, int default_process_limit, struct arena *arena,
                                         struct deliveries_transport **transports_out, size_t *count_out,
                                         struct failure *why);

struct deliveries *deliveries_create(struct daemon *daemon, const struct qmgr_settings *settings,
                                     const struct deliveries_transport *transports, size_t transport_count,
                                     const struct deliveries_census *census);
/* Nothing is in hand any more. */
void deliveries_destroy(struct deliveries **deliveries);

/* All pending recipients of the message go out; finished() follows, never from inside this call. */
void deliveries_start(struct deliveries *deliveries, struct active_message *message);

/*
 * A message that comes in portions: first, and whenever their number changes, how many recipients are still to come (0
 * at the end). Each portion then gets a deliveries_start of its own, and a finished().
 */
void deliveries_expect(struct deliveries *deliveries, struct active_message *whole, size_t unread);

/* How many more recipients of it may be in memory, how many should be read at once, and after how long fewer too. */
struct deliveries_refill {
    size_t room;
    size_t limit;
    struct duration delay;
};

/* room: what holds while no transport is known for it. */
struct deliveries_refill deliveries_refill(const struct deliveries *deliveries, const struct active_message *whole,
                                           size_t room);

/*
 * Asks every agent that may run what it has in hand and what it finished for a qmgr that died: after an unclean start,
 * before the first deliveries_start. Ends within the timeout, whatever the agents do. In a fiber.
 */
void deliveries_take_census(struct deliveries *deliveries, struct duration timeout);

/* Dispatch nothing more; what is queued and not in hand comes back with ACTIVE_PENDING results. */
void deliveries_drain(struct deliveries *deliveries);
/* Requests that agents have in hand, of this queue manager and of the ones before it. */
size_t deliveries_in_hand(const struct deliveries *deliveries);
/* Those of this queue manager: struct deliver_in_hand, of what lives as long as they do. */
struct records deliveries_list(const struct deliveries *deliveries, struct arena *arena);

/* Forget dead destinations and transports, so that a flush tries them at once. */
void deliveries_revive(struct deliveries *deliveries);
/* Where recipients go is asked anew, as when tables have changed and the mail of the time before is flushed. */
void deliveries_forget_ways(struct deliveries *deliveries);

/* What agents and bounce are told of where a message came from: "name=value" with Postfix's names. */
struct strlist dispatch_attributes(const struct envelope *envelope, struct arena *arena);

/* Channels to agents that had nothing to do for so long are closed; call it now and then. */
void deliveries_close_idle(struct deliveries *deliveries, struct duration idle);

#endif
