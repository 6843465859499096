/* SPDX-License-Identifier: Apache-2.0 */
#ifndef QMGR_QUEUE_INDEX_H
#define QMGR_QUEUE_INDEX_H

#include "base/list.h"
#include "spool/spool.h"

/*
 * queue_index - every message that the queue manager knows, by its id: where it stands and when its next attempt is.
 * A message is a few dozen bytes; nothing of its content or envelope is kept here.
 *
 * A message is waiting (in the heap of next attempts), ready (in the list of new or of deferred mail), or neither: then
 * somebody has it in hand (active, being moved, held).
 */
struct active_message;
struct live_segment;

enum queued_state {
    QUEUED_IDLE, /* held, or in nobody's list */
    QUEUED_WAITING,
    QUEUED_READY,
    QUEUED_ACTIVE, /* being loaded, delivered, finished */
};

struct queued_message {
    struct queue_id id;
    struct list ready;
    struct list sibling;          /* the others of its segment, while it stands in one */
    struct live_segment *segment; /* NULL: it is a file */
    struct active_message *active;
    uint32_t frame_at;             /* offset / 8 in the segment */
    uint32_t frame_length;         /* with header */
    uint32_t next_attempt;         /* seconds since 1970 */
    uint32_t heap_place;           /* 0: not in the heap */
    uint64_t sites;                /* site_marks.h: domains of its recipients; 0: not known */
    unsigned char queue;           /* enum spool_queue; of a frame: incoming */
    unsigned char state;           /* enum queued_state */
    unsigned char seen;            /* number of the walk that last saw its file */
    bool is_moving : 1;            /* being written to a file, or its file renamed: wait until it is not */
    bool was_deferred : 1;         /* waits its turn among the deferred */
    bool must_delete : 1;          /* postsuper -d while in delivery */
    bool must_hold : 1;            /* postsuper -h while in delivery */
    bool must_requeue : 1;         /* postsuper -r while in delivery */
    bool must_expire : 1;          /* return it at the next attempt */
    bool is_flushed : 1;           /* somebody asked for the next attempt */
    bool is_inherited : 1;         /* an agent works on it for an earlier queue manager: it waits, whatever is asked */
    bool may_have_file : 1;        /* a frame whose spill did not say how it ended */
    unsigned short origin_segment; /* the segment whose frame it was; 0: none that still matters */
};

_Static_assert(sizeof(struct queued_message) <= 96, "a backlog of a million messages is a hundred megabytes");

struct queue_index;

struct queue_index *queue_index_create(void);
/* Forgets all messages. */
void queue_index_destroy(struct queue_index **index);
size_t queue_index_count(const struct queue_index *index);

/* NULL if it is not known. */
struct queued_message *queue_index_find(const struct queue_index *index, struct queue_id id);
/* A new, idle one; the id must not be there. */
struct queued_message *queue_index_add(struct queue_index *index, struct queue_id id, enum spool_queue queue);
/* Takes it out of heap and lists and frees it. */
void queue_index_remove(struct queue_index *index, struct queued_message *message);

/* Each takes the message out of where it was. */
void queue_index_wait(struct queue_index *index, struct queued_message *message, int64_t next_attempt_seconds);
void queue_index_ready(struct queue_index *index, struct queued_message *message);
void queue_index_set_idle(struct queue_index *index, struct queued_message *message, enum queued_state state);

/* Makes ready what is due; returns how many. */
size_t queue_index_due(struct queue_index *index, int64_t now_seconds);
/* INT64_MAX when nothing waits. */
int64_t queue_index_next_due(const struct queue_index *index);

/* The first of the list, which stays there; NULL if it is empty. */
struct queued_message *queue_index_first_ready(const struct queue_index *index, bool deferred);

/* Ids of all messages in no order, on the heap: the caller frees. */
struct queue_id *queue_index_ids(const struct queue_index *index, size_t *count_out);

#endif
