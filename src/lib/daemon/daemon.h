/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/time.h"
#include "ipc/channel.h"

struct loop;
struct main_cf;
struct settings_table;
struct shared_settings;
struct stream;

/*
 * daemon - the one skeleton of every service: start, jail, accept, limits, drain, stop, status to master.
 *
 * Order of life: arguments and main.cf are read; open() opens all that the service will ever need; the process
 * enters its jail (chroot, user, capabilities, seccomp); the loop runs; start() makes the service's context in a
 * fiber; then connections are accepted. On a stop the service drains: it accepts no more, finishes what is in
 * hand, then stop() is called and the process exits.
 *
 * Three kinds of conversation may share one listening socket; the first byte tells them apart: a channel of the
 * program's protocol (operations), trigger bytes (trigger), or a raw stream (session; then the other two are absent).
 */
enum daemon_shape {
    DAEMON_EVENT,      /* many sessions at once, a fiber each */
    DAEMON_SEQUENTIAL, /* one at a time in a process; several processes */
};

enum daemon_user {
    DAEMON_AS_MAIL_OWNER, /* owns the queue */
    DAEMON_AS_NET_OWNER,  /* faces the network, chrooted */
    DAEMON_AS_MAP_OWNER,  /* looks tables up for others, outside a chroot unless master.cf wants one */
    DAEMON_AS_SASL_OWNER, /* asks who may log in; has the groups of its user */
    DAEMON_AS_ROOT,       /* acts as others: local, pipe, virtual; master's rights kept */
};

struct daemon;

struct daemon_call {
    struct daemon *daemon;
    void *context; /* the service's, from start() */
    struct call *call;
    const void *request;
    struct arena *arena; /* ends with the call */
    struct instant now;  /* wall clock when the request came */
    const struct daemon_operation *operation;
};

/* One request of the program's protocol. reply is NULL when run() converses on call->call itself. */
struct daemon_operation {
    const struct message_type *request;
    const struct message_type *reply;
    /* False with the reason ends the call; the reason is logged as a warning. */
    bool (*run)(struct daemon_call *call, struct failure *why);
};

/* A raw connection (smtpd, showq). The stream belongs to the skeleton and ends when session() returns. */
struct daemon_session {
    struct daemon *daemon;
    void *context;
    struct stream *stream;
    int fd;
    struct arena *arena; /* ends with the session */
    const char *service; /* name in master.cf */
    /* Of a service of type "pass": what came with the connection, from its first byte to the end; else empty. */
    struct str passed;
};

struct daemon_program {
    const char *name;
    enum daemon_shape shape;
    enum daemon_user user;
    const struct settings_table *settings;
    /* Before the jail, as root if started so: open tables, files, sockets. False stops the start with the reason. */
    bool (*open)(struct daemon *daemon, struct failure *why);
    /* In the jail, in a fiber, before the first connection. Returns the context that all else gets. */
    void *(*start)(struct daemon *daemon);
    /* Asked to finish: called once, in a fiber, before stop(); the daemon ends when sessions and this are done. */
    void (*drain)(void *context);
    void (*stop)(void *context);
    /* The whole system is being stopped, and who calls this service has not ended yet: in a fiber of its own. */
    void (*system_stops)(void *context);
    const struct protocol *protocol;
    const struct daemon_operation *operations; /* ends with { NULL } */
    const struct message_type *uncounted;      /* of those, the request that is no use of the process; NULL: none */
    void (*session)(struct daemon_session *session);
    void (*trigger)(void *context, struct str bytes);
    /* One datagram of a unix-dgram service. Must not wait. */
    void (*datagram)(void *context, struct str bytes);
    /* Services it may call, by name as in master.cf, ends with NULL; shown in docs/architecture.md. */
    const char *const *calls;
    /* Name of the seccomp profile (os/seccomp.h), NULL for none. */
    const char *seccomp;
    /* Never more than one process of it (qmgr, pickup); without it processes = min(service_workers, maxproc). */
    bool is_singleton;
    /* Of DAEMON_AS_NET_OWNER: without a chroot in master.cf it has none, and reaches what others have on this host. */
    bool heeds_chroot;
    /* Connections a process has at one time; 0: its share of maxproc, as master says; sequential: always 1. */
    unsigned session_limit;
    /* Started as root it keeps the right to change the root directory, for the commands that it runs. */
    bool may_chroot;
    /* Told to stop, it leaves calls alone whose callers are gone: what they were to do changes nothing. */
    bool leaves_calls;
    /* The program is where log lines go (postlogd): the skeleton opens no log. */
    bool logs_itself;
};

/* The whole life of the process; returns the exit status. */
int daemon_run(const struct daemon_program *program, int argc, char **argv);

/*
 * As stream_read_line on the session's stream, where the peer is idle: when the daemon is told to stop, it
 * fails with FAILURE_STOPPED, and there is time to say goodbye.
 */
MUST_USE bool daemon_session_read_line(struct daemon_session *session, size_t maximum, struct str *line_out,
                                       struct failure *why);

/* Sends the operation's reply message. */
MUST_USE bool daemon_reply(struct daemon_call *call, const void *reply, struct failure *why);

const void *daemon_settings(const struct daemon *daemon);
/* The shared parameters, which the skeleton has loaded for itself. */
const struct shared_settings *daemon_shared(const struct daemon *daemon);
/* What was given to daemon_run. */
const struct daemon_program *daemon_program_of(const struct daemon *daemon);
/* open() leaves here what it has opened, start() and others find it; NULL before. */
void daemon_keep(struct daemon *daemon, void *opened);
void *daemon_kept(const struct daemon *daemon);
struct main_cf *daemon_main_cf(const struct daemon *daemon);
struct loop *daemon_loop(const struct daemon *daemon);
/* Lives as long as the process. */
struct arena *daemon_arena(const struct daemon *daemon);
/* As in master.cf. */
const char *daemon_service(const struct daemon *daemon);
/* What follows the options that every daemon has: the flags and words of pipe, spawn ... */
const struct strlist *daemon_arguments(const struct daemon *daemon);
/* No new connections: told to retire or to stop. */
bool daemon_is_draining(const struct daemon *daemon);
/* All processes of the service are full, or were a while ago: new clients get less time and patience. */
bool daemon_is_stressed(const struct daemon *daemon);
/*
 * Another process of the service is at work, and goes on as long as this one has not started; or it has yielded
 * (daemon_yield) and ends.
 */
bool daemon_is_successor(const struct daemon *daemon);
/* Told to stop: end what is in hand as soon as it is whole; idle peers are sent away. */
bool daemon_is_stopping(const struct daemon *daemon);
/* Told to stop by master's end alone: nobody orders this stop, and another master may be at work already. */
bool daemon_is_orphaned(const struct daemon *daemon);
/* In open(): the jail will be a root directory of its own, where files outside the queue are not to be found. */
bool daemon_has_own_root(const struct daemon *daemon);
/* Started by sendmail -bs: the one session is on standard input and output, its user is who runs it. */
bool daemon_is_standalone(const struct daemon *daemon);
/*
 * Before work that says much: waits while a log that is behind takes lines, so that none are lost. One that takes none
 * at all for a while stops nobody. In a fiber.
 */
void daemon_wait_for_log(struct daemon *daemon);
/* Connections in hand. */
size_t daemon_sessions(const struct daemon *daemon);
/* Finish as on a stop from master; for max_use rules of a service's own and fatal troubles found later. */
void daemon_begin_drain(struct daemon *daemon);
/*
 * The same, and master sees a failure, for which it holds the service back. In start() it means that the service never
 * becomes ready. The caller has logged the reason.
 */
void daemon_fail(struct daemon *daemon);
/* master watches the file and starts a new generation when it changes. Before the jail only. */
/* A singleton that retires leaves what there is only one of: master starts its successor now, not at our end. */
void daemon_yield(struct daemon *daemon);
void daemon_watch_file(struct daemon *daemon, const char *path);
/* In open(): a process that does not get on for so long is ended; before, and without it, daemon_timeout says. */
void daemon_set_patience(struct daemon *daemon, struct duration time);
/* "private/NAME", where NAME is what a *_service_name parameter says. Lives as long as the daemon. */
const char *daemon_service_path(struct daemon *daemon, const char *folder, struct str name);
/* The endpoint of a service of program.calls, made at first use: "public/cleanup", "private/rewrite". */
struct endpoint *daemon_endpoint(struct daemon *daemon, const char *path, const struct protocol *protocol);

#endif
