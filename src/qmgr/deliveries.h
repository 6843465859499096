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
 * Nothing is dispatched before the agents that run have told their census. A recipient whose agent died is tried again;
 * after the third such death of one message it is deferred.
 */
struct daemon;
struct deliveries;

/*
 * What agents from before this process's start have in hand and have finished: the keeper applies it to the messages
 * it finds. Called for each such report; unrecorded outcomes are to be recorded before it returns true.
 */
struct deliveries_census {
    bool (*unrecorded)(void *context, const struct deliver_outcome *outcome, struct failure *why);
    void (*in_hand)(void *context, const struct deliver_in_hand *delivery);
    void *context;
};

struct deliveries *deliveries_create(struct daemon *daemon, const struct qmgr_settings *settings,
                                     const struct deliveries_census *census);
/* Nothing is in hand any more. */
void deliveries_destroy(struct deliveries **deliveries);

/* All pending recipients of the message go out; finished() follows, never from inside this call. */
void deliveries_start(struct deliveries *deliveries, struct active_message *message);

/* Dispatch nothing more; what is queued and not in hand comes back as deferred, unlogged and unrecorded. */
void deliveries_drain(struct deliveries *deliveries);
/* Requests that agents have in hand. */
size_t deliveries_in_hand(const struct deliveries *deliveries);

/* Forget dead destinations and transports, so that a flush tries them at once. */
void deliveries_revive(struct deliveries *deliveries);

#endif
