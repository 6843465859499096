/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_MASTER_PROTOCOL_H
#define DAEMON_MASTER_PROTOCOL_H

#include <stdint.h>

/*
 * master_protocol - what master and the processes that it starts agree on. Nothing else passes between them.
 *
 * A process finds
 *   fd 5      its own SOCK_SEQPACKET socket to master: it sends struct master_record, and reads words
 *             of one byte (enum master_word); when it reads an end there, master is gone and the process
 *             finishes as on SIGTERM.
 *   fd 6 ...  its listening sockets, as many as "-s count" says, shared with the service's other
 *             processes and with master, non-blocking, close-on-exec. A "fifo" service reads its triggers
 *             there, a "unix-dgram" service its datagrams.
 *   0, 1, 2   /dev/null; with "merpati start-fg", 1 and 2 are master's own.
 * and arguments "-n name -t type [-c] [-u] [-s count] [-o name=value]... [-v]", and in its environment what
 * import_environment lets through and the MASTER_VARIABLE_ ones. The working directory is queue_directory.
 *
 * A process that ends with status 0, or after it said RETIRING, ended well; any other end counts for the
 * back-off of its service.
 *
 * Signals to a process
 *   SIGHUP    retire: stop accepting, let sessions come to their own end, then exit 0. Sent on reload, on a
 *             change of a watched file, and in answer to MASTER_RETIRING nothing is sent.
 *   SIGTERM   stop: stop accepting, finish what is in hand (the transaction, the delivery, the batch), send idle
 *             sessions away with 421, then exit 0. Those that stay service_stop_limit long are killed.
 *
 * All hear at once that the system stops (MASTER_WORD_END). Order of stopping: sources (smtpd, pickup) first; when
 * these are gone, qmgr and the delivery agents are told together; when the agents are gone, bounce, then cleanup; qmgr
 * ends when all segments are spilled, which needs cleanup gone and spill alive; then spill, trivial-rewrite, proxymap,
 * showq and the others, last postlogd. Once stopping, nothing new is started except spill, bounce, trivial-rewrite,
 * proxymap and cleanup, which those before them may still need.
 */
#define MASTER_STATUS_FD 5
#define MASTER_LISTEN_FD 6

/* Number of this generation of the service, decimal; processes of older generations are retired. */
#define MASTER_VARIABLE_GENERATION "MERPATI_GENERATION"
/* Set: older processes of the service serve until this one is ready. */
#define MASTER_VARIABLE_SUCCESSOR "MERPATI_SUCCESSOR"
/* The most sessions that this process may have at a time: its share of maxproc; 0: no limit. */
#define MASTER_VARIABLE_SESSIONS "MERPATI_SESSION_LIMIT"

enum master_record_kind {
    MASTER_READY = 1,     /* started, jailed, about to accept; nothing was accepted before it */
    MASTER_AVAILABLE = 2, /* takes more; sent when that changes and at most some times a second when sessions does */
    MASTER_BUSY = 3,      /* full: it no longer polls the listening sockets */
    MASTER_RETIRING = 4,  /* accepts no more (max_use, max_idle, SIGHUP) and will exit when its sessions are done */
    MASTER_YIELDED = 6,   /* a singleton that retires: what there is only one of is free, its successor may start */
    MASTER_WATCH = 5,     /* path follows: replace me when this file changes, appears or goes */
};

/* One packet. Only MASTER_WATCH carries bytes after it: the path as seen outside any jail, without NUL. */
struct master_record {
    uint32_t kind;
    uint32_t sessions; /* in hand at this moment */
    /* MASTER_WATCH: the file as the process found it, all 0 when it was missing; whatever differs is a change. */
    uint64_t device;
    uint64_t inode;
    int64_t size;
    int64_t changed_ns;
};

#define MASTER_PATH_MAX 1024

/* What master says to a process: packets of one byte, on the same socket. */
enum master_word {
    MASTER_WORD_STRESS = 's', /* all processes of the service are full, or were a while ago */
    MASTER_WORD_CALM = 'c',   /* no longer */
    MASTER_WORD_END = 'e',    /* the whole system is being stopped; SIGTERM comes when it is this process's turn */
};

#endif
