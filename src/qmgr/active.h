/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_ACTIVE_H
#define QMGR_ACTIVE_H

#include "base/list.h"
#include "protocol/deliver.h"
#include "qmgr/scheduler.h"
#include "spool/envelope.h"

/*
 * active - a message in the active queue: its envelope in memory, what became of each recipient in this activation,
 * and the hooks by which the delivering side asks the keeping side (journal or file) for content and for records.
 *
 * The keeper makes it, gives it to deliveries_start, and gets it back by finished() when every pending
 * recipient has an outcome that is recorded. The delivering side touches it in between only.
 */
struct active_message;
struct append_group;
struct deliveries;
struct portions;
struct route_share;

/* What the keeper does for a message; one table for all its messages. Each is called in a fiber and may wait. */
struct active_keeper {
    /*
     * Content for a dispatch: a view that lives as long as arena and message, or a descriptor (the caller closes it)
     * with offset. A failure defers what was to be dispatched.
     */
    bool (*content)(void *context, struct active_message *message, struct arena *arena, struct str *content_out,
                    int *fd_out, uint64_t *offset_out, struct failure *why);
    /*
     * Writes the outcomes of these recipients (places in the envelope; results[place] is filled in) to the ledger or
     * the file. True when a crash of qmgr would find them. On false the agent is not answered and keeps them.
     */
    bool (*record)(void *context, struct active_message *message, const size_t *places, size_t count,
                   struct failure *why);
    /* All pending recipients have outcomes: remove, bounce, defer. The message is the keeper's again. */
    void (*finished)(void *context, struct active_message *message);
    void *context;
};

enum active_outcome {
    ACTIVE_PENDING,
    ACTIVE_SENT,
    ACTIVE_DEFERRED,
    ACTIVE_BOUNCED,
};

/* One of those that a recipient was expanded to; see members.h. */
struct member {
    struct member *next;
    struct deliver_result result;
};

/* The last report of a recipient in this activation; strings live in the message's arena. */
struct active_result {
    enum active_outcome outcome; /* still ACTIVE_PENDING at finished(): not tried, because qmgr stops */
    bool was_passed;             /* from one transport to another: that happens once */
    struct str address;          /* where it goes, standardised */
    struct str expanded_to;      /* of which the agent told, or empty */
    struct str dsn;
    struct str action;
    struct str reason;
    struct str relay;
    struct str remote_mta;
    struct str diagnostic_type;
    struct str diagnostic;
    struct member *members; /* what it was expanded to, in order; of those that a report may be about */
};

struct active_message {
    const struct active_keeper *keeper;
    void *origin; /* the keeper's: where it stands */
    struct arena *arena;
    struct envelope *envelope;
    struct active_message *whole; /* itself, or the message of which it is a portion */
    const size_t *numbers;        /* of a portion's recipients in the message; NULL: 0, 1, 2, ... */
    struct str id_text;
    const char *queue_name; /* told to the agents */
    uint64_t attempt;       /* number of this activation, for the agents; unique with the id */
    struct instant activated;
    bool was_deferred;
    bool is_traced;                /* sendmail -v, -bv: this attempt is the first, of which all is reported */
    bool confirms_delivery;        /* the sender was warned of its delay, and is told of its end */
    bool is_flushed;               /* tried ahead of its time, because somebody asked for it */
    struct active_result *results; /* one a recipient of the envelope; only those RECIPIENT_PENDING get an outcome */

    /* The keeping side's: */
    uint64_t status_end;            /* where the file's statuses end, 0: not known */
    bool is_recording;              /* one record at a time goes into a file */
    struct append_group *gathering; /* outcomes for the next record */
    struct str kept_content;        /* of a small file that many dispatches need; in the whole's arena */
    bool is_reading_content;
    struct portions *portions; /* of a message that is not in memory as a whole */
    size_t counted;            /* recipients that the keeper counts as in memory for it */

    /* The delivering side's: */
    size_t open_count;      /* pending recipients without a recorded outcome */
    unsigned lost_agents;   /* how often an agent died with it in hand */
    struct list entries;    /* of the scheduler */
    struct mailing mailing; /* the whole's counts */
    struct deliveries *deliveries;
    struct route_share *shares; /* how many of its recipients each transport has */
};

/* What the queue calls the recipient at this place. */
static inline size_t active_number(const struct active_message *message, size_t place)
{
    return message->numbers != NULL ? message->numbers[place] : place;
}

/* A probe, or sendmail -bv: it is delivered to nobody, tried once, and nobody gets it back. */
static inline bool active_is_trial(const struct active_message *message)
{
    return (message->envelope->flags & (ENVELOPE_PROBE | ENVELOPE_TRACE_VERIFY)) != 0;
}

#endif
