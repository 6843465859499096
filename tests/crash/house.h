/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CRASH_HOUSE_H
#define CRASH_HOUSE_H

#include "book.h"
#include "protocol/queue.h"
#include "qmgr/keeper.h"
#include "spool/journal_writer.h"
#include "trace.h"

/*
 * house - a mail system in one process and in the working directory: the journal's writer of cleanup, the whole
 * keeping half of the queue manager (its main.c too), spill's batches, and the administrator's operations are the real
 * code. Made up are the skeleton of daemons, the channels between them, and the delivery agents, whose answers the
 * scenario gives.
 *
 * What blocks runs at once on the loop's thread, after the other fibers had a turn or two, so a run is the same each
 * time. Every promise made to somebody outside is marked in the trace, when it is made.
 */
enum fate {
    FATE_SENT,
    FATE_DEFERRED,
    FATE_BOUNCED,
};

struct house;
/* attempt: 0, 1, ... of this message in this house. */
typedef enum fate house_fate(unsigned message, unsigned recipient, unsigned attempt);

struct house {
    struct loop *loop;
    struct trace *trace;
    struct book *book;
    struct spool_settings spool;
    house_fate *fate;      /* NULL: all is sent */
    bool keeps_in_hand;    /* the agents do not end what they began */
    bool spills_unwritten; /* a planted fault: spill answers and has not written */
    bool tells_salt;       /* a planted fault: the salts are known to the authors of mail */
    unsigned active_limit; /* 0: many */
    bool uses_syncfs;

    /* its own */
    struct daemon *daemon;
    struct keeper *keeper;
    struct journal_writer *writer;
    struct event let_go;
    unsigned attempts[BOOK_MAXIMUM];
    char complaint[300]; /* the first thing that was wrong with what came out; empty: nothing */
};

/* Starts the queue manager and waits until it has recovered and walked; then the writer. All in a fiber. */
void house_open(struct house *house);
void house_open_writer(struct house *house);
/* Nothing happens any more, but for what waits for a time. */
void house_settle(struct house *house);
/* What is done every second. Settles. */
void house_tick(struct house *house);
/* The whole clean stop. */
void house_stop(struct house *house);
/* Cleanup ends; the queue manager lives on. */
void house_close_writer(struct house *house);

/* flags: enum envelope_flag. True when 250 may be said; marked. */
bool house_accept(struct house *house, unsigned message, unsigned flags);
/* These at one time, each in a fiber of its own. */
void house_accept_all(struct house *house, const unsigned *messages, size_t count);
/* The last accepted id of the message. */
struct queue_id house_id_of(const struct house *house, unsigned message);

/* Messages NULL: all. Returns how many were acted on. */
uint64_t house_control(struct house *house, enum queue_operation operation, const unsigned *messages, size_t count);
/* The same as control_control's flush of all. */
void house_flush(struct house *house);
/* Submits by maildrop/, as sendmail does. */
void house_submit(struct house *house, unsigned message);
/* What pickup does: takes up all that is complete in maildrop/. */
void house_pick_up(struct house *house);

/* Agents let go of what they have in hand. */
void house_let_go(struct house *house);
PRINTF_LIKE(2, 3) void house_complain(struct house *house, const char *format, ...);

/* Of house_daemon.c. */
struct daemon *house_daemon_create(struct house *house);
struct house *house_of_daemon(struct daemon *daemon);
void house_daemon_start(struct daemon *daemon);
void house_daemon_stop(struct daemon *daemon);
uint64_t house_daemon_control(struct daemon *daemon, const struct queue_control *request);

#endif
