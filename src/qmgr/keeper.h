/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_KEEPER_H
#define QMGR_KEEPER_H

#include "qmgr/active.h"
#include "qmgr/deliveries.h"
#include "qmgr/queue_index.h"
#include "qmgr/settings.h"
#include "run/fiber.h"
#include "spool/segment.h"

/*
 * keeper - the keeping half of the queue manager: what stands in the journal and in files, what becomes of it, and
 * which message enters the active queue next. deliveries.h is the other half.
 *
 * One struct for the process; the parts are: live_segments (journal), walker (folders), loader (activation), finisher
 * (after delivery), spiller, control. Everything runs on the loop; what blocks goes through keeper_block.
 */
/* While it is there, a queue manager runs, or ended without knowing what its agents had in hand. */
#define QMGR_UNCLEAN_MARK "journal/manager"

struct daemon;
struct endpoint;
struct flushing;
struct loop;
struct offload;
struct read_parts;
struct shared_settings;
struct spiller;
struct told_failures;
struct worker;

struct keeper {
    struct daemon *daemon;
    struct loop *loop;
    const struct qmgr_settings *settings;
    const struct shared_settings *shared;
    struct spool_settings spool;
    /* By segment: when the use began that was found at the start, 0: none, UINT64_MAX: not known. */
    uint64_t earlier_uses[SEGMENT_NUMBER_MAXIMUM + 1];
    bool knows_earlier_uses;

    struct queue_index *index;
    struct deliveries *deliveries;
    struct active_keeper hooks;
    struct spiller *spiller;
    struct told_failures *told_failures;
    struct flushing *flushing;
    struct offload *files;  /* opening, renaming, appending, walking */
    struct worker *ledgers; /* syncs of ledgers */
    struct strbuf frame;    /* the one read last: nobody waits while he uses it */
    struct read_parts *read_parts;

    struct list segments;   /* struct live_segment */
    struct list unrecorded; /* struct waiting of ledger_turn.c */
    bool is_looking_for_segments;
    bool looks_again;
    size_t busy_segments;     /* that a writer has locked, as of the last look */
    size_t unopened_segments; /* as told in the log */

    size_t active_count;
    size_t active_deferred;
    size_t active_recipients;
    struct list portioned; /* active messages that are not in memory as a whole */
    uint64_t attempt;      /* number of the last activation */
    size_t loaders;
    size_t reading;   /* files for activation */
    size_t moving;    /* messages on their way from the journal to a file */
    size_t moved;     /* that arrived there so far */
    size_t unmoved;   /* failures of that */
    size_t finishing; /* fibers that finish, move or control messages */

    bool is_deferreds_turn;
    bool is_recovered;     /* the journal was read, the census taken */
    bool is_indexed;       /* and all folders were walked once */
    bool hears_couriers;   /* what earlier queue managers carry can be recorded */
    size_t couriers;       /* that are telling */
    size_t couriers_heard; /* since the start */
    bool is_draining;
    bool has_left;        /* the queue is the successor's */
    bool must_pass_flush; /* a flush was not through when this one began to leave */
    bool has_settled;     /* nothing of the queue is done here any more */
    bool has_made_way;    /* the successor may start */
    bool is_stopping;
    bool is_walking;
    struct instant last_flush; /* wall clock */
    bool must_walk_again;      /* asked for while one was under way */
    bool walk_hurries;         /* somebody waits for it */
    size_t walk_names;         /* looked at since its last rest */
    bool wants_flush;          /* deferred files that a walk finds are due, whatever their time */
    unsigned char walk_number;
    struct event work;    /* something may be activated */
    struct event changed; /* a message was moved, finished, recorded; a walk or a reading ended */
};

/* Runs what blocks on a thread while the fiber waits. context is heap or arena memory that nobody else uses meanwhile.
 */
void keeper_block(struct keeper *keeper, void (*function)(void *context), void *context);
/* Waits for a change; for "while (!condition) keeper_wait_change(...)". */
void keeper_wait_change(struct keeper *keeper);
/* Until the message is not moving. Only its owner may hold on to it over this wait. */
void keeper_wait_moved(struct keeper *keeper, const struct queued_message *message);
int64_t keeper_now(void);

/* The time of the next attempt after one that failed now. */
int64_t keeper_backoff(const struct keeper *keeper, struct instant arrival);

#endif
