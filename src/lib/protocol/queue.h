/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROTOCOL_QUEUE_H
#define PROTOCOL_QUEUE_H

#include "base/time.h"
#include "ipc/channel.h"

/*
 * queue - what is said to the queue manager (public/qmgr): by cleanup how far its journal is durable, by
 * postsuper, postqueue and showq what to do and what there is. The same socket takes Postfix's trigger bytes.
 *
 * queue_durable needs no reply; cleanup keeps one call open for a stream of them and repeats the last one on a new
 * channel. queue_control is answered by queue_controlled after what was asked for is durable. queue_list is answered
 * by queue_entry any number of times, then queue_list_end. A queue manager that has left the queue to the one asked
 * tells what its agents still have in hand and what they said by deliver_census_reply, again and again, answered by
 * deliver_recorded where it holds outcomes.
 */
struct queue_durable {
    uint64_t segment; /* number of the journal segment */
    uint64_t use;     /* which use of it: when it began, in microseconds; a notice of an earlier use means nothing */
    uint64_t offset;  /* all frames that end at or before it are on disk */
    /* A message too large for the journal stands complete in incoming/; its id, else empty. */
    struct str queue_id;
};

enum queue_operation {
    QUEUE_HOLD,
    QUEUE_RELEASE,
    QUEUE_REQUEUE,
    QUEUE_DELETE,
    QUEUE_FLUSH,     /* deliver now: queue_ids, is_all, or what is for site (begun, not done, when it is answered) */
    QUEUE_RESCAN,    /* walk the folders: files may have appeared or gone */
    QUEUE_SPILL_ALL, /* write every message to a file of its own; answered when done */
    QUEUE_EXPIRE,    /* return it to its sender at the next attempt, whose time does not change */
};

struct queue_control {
    uint64_t operation; /* enum queue_operation */
    bool is_all;
    struct str queue_name; /* with is_all: only this queue; empty: all but those the operation leaves out */
    struct strlist queue_ids;
    struct str site; /* of QUEUE_FLUSH */
};

struct queue_controlled {
    uint64_t count;         /* messages acted on */
    struct strlist missing; /* ids that are not in the queue */
    struct strlist done;    /* ids acted on, when they were named or fewer than 10000 */
    struct str failure;     /* why it stopped half-way, or empty */
    bool is_denied;         /* the site is none of fast_flush_domains */
};

struct queue_list {
    bool with_recipients;
};

struct queue_entry_recipient {
    struct str address;
    struct str original;
    struct str reason; /* of the last deferral, or empty */
};

struct queue_entry {
    struct str queue_name; /* maildrop, incoming, active, deferred, hold */
    struct str queue_id;
    struct instant arrival;
    uint64_t size;
    bool is_forced_expire;
    struct str sender;
    struct records recipients; /* struct queue_entry_recipient, those not finished; in several entries when many */
    bool is_continued;         /* more recipients of this message follow in the next entry */
};

struct queue_list_end {
    uint64_t count;
};

extern const struct message_type queue_durable_message;
extern const struct message_type queue_control_message;
extern const struct message_type queue_controlled_message;
extern const struct message_type queue_list_message;
extern const struct message_type queue_entry_recipient_message;
extern const struct message_type queue_entry_message;
extern const struct message_type queue_list_end_message;
extern const struct protocol queue_protocol;

enum { QUEUE_ENTRY_RECIPIENTS_MAXIMUM = 500, QUEUE_SITE_MAXIMUM = 320 };

#endif
