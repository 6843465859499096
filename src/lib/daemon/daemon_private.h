/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DAEMON_PRIVATE_H
#define DAEMON_DAEMON_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "config/shared_settings.h"
#include "daemon/arguments.h"
#include "daemon/daemon.h"
#include "daemon/master_link.h"
#include "run/fiber.h"

/* daemon_private - the process's state, shared by its life (daemon.c), its connections and its calls. */
struct acceptor;

struct daemon {
    const struct daemon_program *program;
    struct arena *arena;
    struct daemon_arguments arguments;
    struct main_cf *cf;
    const struct shared_settings *shared;
    void *settings;
    struct loop *loop;
    struct master_link *master;
    void *context;
    void *kept;

    size_t limit;       /* of connections at one time */
    uint64_t uses_left; /* until max_use; UINT64_MAX: no end */
    struct list connections;
    size_t connection_count;
    bool has_yielded;
    struct channel_set channels;
    struct channel_tracer tracer; /* of all channels, with "-v" */
    size_t calls_running;
    struct event slot_free; /* a connection has ended */
    struct event turn_free; /* a sequential service's call has ended */
    struct event changed;   /* for the reporter to master */
    struct event drain_begun;
    struct event all_done;    /* nothing is in hand any more */
    struct event fed;         /* only the end wakes it */
    struct duration patience; /* of the watchdog */
    struct instant last_active;
    bool is_in_turn;
    bool is_draining;
    bool is_stressed;
    bool is_stopping;
    bool has_heard_stop; /* of the whole system */
    bool is_orphaned;    /* master is gone: nobody orders this stop, and nobody ends it */
    bool is_over;        /* its own fibers end */
    bool has_log;
    bool is_flush_waiting;
    struct instant log_paid_until;
    bool has_given_up_log;
    uint64_t log_given_up_at; /* log_sent_bytes() when it had taken nothing for too long */
    int status;

    size_t told_count; /* what master was told last */
    bool told_full;

    struct acceptor *acceptor_items; /* one a listening socket */
    struct fiber_group acceptors;
    struct fiber_group keepers; /* the skeleton's own fibers, which end when is_over */
    struct map *endpoints;
};

/* connection.c: accepts in fibers until drained. */
MUST_USE bool daemon_listen(struct daemon *daemon, struct failure *why);
void daemon_start_connection(struct daemon *daemon, int fd);
void daemon_stop_listening(struct daemon *daemon);
void daemon_close_listeners(struct daemon *daemon);
/* Idle peers hear that we stop. */
void daemon_interrupt_idle(struct daemon *daemon);

/* calls.c: handles one call; context is the daemon. */
void daemon_handle_call(struct call *call, void *context);

/* daemon_log.c: the log that main.cf and the program want; sent at the end of a turn (a hook of the loop). */
MUST_USE bool daemon_open_log(struct daemon *daemon, struct failure *why);
void daemon_flush_log(void *context);
/* With "-v": what the services say to each other, "> rewrite: rewrite_request ..." what this one says. */
void daemon_log_message(void *context, const struct protocol *protocol, bool is_sent, const struct message_type *type,
                        const void *message);

/* Counts a connection or call against max_use. */
void daemon_count_use(struct daemon *daemon);
/* A connection began or ended. */
void daemon_note_change(struct daemon *daemon);
/* Until the event, at most a minute: the caller looks again at what it waits for. */
void daemon_wait(struct daemon *daemon, struct event *event);

/* standalone.c: one session on standard input and output. */
void daemon_serve_standalone(struct daemon *daemon);

/* Retire or stop; the second may follow the first. */
void daemon_drain(struct daemon *daemon, bool is_stopping);

/* How many sessions this process can and may have; reads what a jail would hide. */
size_t daemon_session_limit(const struct daemon *daemon);
bool daemon_is_full(const struct daemon *daemon);

#endif
