/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_PORTIONS_H
#define QMGR_PORTIONS_H

#include "qmgr/keeper.h"
#include "spool/queue_file_part.h"

/*
 * portions - a message with more recipients than may be in memory: its file is read in portions as room comes, each
 * delivered like a message of its own, and what became of all is decided together at the end.
 *
 * The whole has no recipients in memory. A portion is an active_message whose whole is another; it lives from its
 * reading to its last outcome. Each outcome is in the file before the agent hears that it is recorded, as ever; the
 * reasons of deferrals are written when their portion ends.
 */
/* The first one is small, as many files may be read at a time; small ones later would cut up what goes in one delivery.
 */
enum { PORTION_FIRST = 1000, PORTION_MAXIMUM = 20000 };

struct portions {
    struct list node; /* in keeper->portioned */
    struct queued_message *message;
    struct queue_file_place start;
    struct queue_file_place place; /* what is read next */
    size_t unread;                 /* pending recipients */
    size_t open;                   /* portions in delivery */
    size_t in_memory;              /* recipients */
    bool is_reading;
    bool is_ended;
    struct instant read_at; /* the last one, loop time */
    /* Of what is not in memory: */
    size_t pending;
    size_t untried; /* of these */
    size_t failed;
    bool was_tried;
};

/* The whole just became active: reads the first portion. */
void portions_begin(struct keeper *keeper, struct queued_message *message, const struct queue_file_survey *survey);

/* hooks.finished of a portion. */
void portions_finished(struct keeper *keeper, struct active_message *portion);

/* Every second: what waited long enough is read although there is little room. */
void portions_tick(struct keeper *keeper);

/*
 * Before the end of the whole is decided: its envelope gets those recipients that failed and, with is_pending_wanted,
 * those that are still to be tried. False when the file cannot be read now: it is deferred as it is.
 */
MUST_USE bool portions_gather(struct keeper *keeper, struct queued_message *message, bool is_pending_wanted);

#endif
