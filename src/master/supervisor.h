/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_SUPERVISOR_H
#define MASTER_SUPERVISOR_H

#include "base/strbuf.h"
#include "master/service.h"
#include "master/settled.h"

/*
 * supervisor - all services together: which runs, what is asked of it, what happened to it.
 * One thread, no lock; each function here is called from the loop in main.c.
 */
enum supervisor_phase {
    SUPERVISOR_RUNNING,
    SUPERVISOR_STOPPING,
    SUPERVISOR_STOPPED,
};

struct supervisor {
    struct configuration *configuration;
    struct str directory; /* of the configuration; outlives all */
    struct list services;
    enum supervisor_phase phase;
    enum program_stop stop_step;
    struct instant stop_deadline; /* of this step */
    struct instant next_look;     /* at watched files */
    struct settled settled;
    struct strbuf complaints; /* of the last reload: a line each */
    unsigned verbose;         /* what each service gets as often as "-v" */
    bool keeps_output;        /* children inherit 1 and 2 */
};

/* Takes the configuration over and opens all sockets; a socket that cannot be had stops the start. */
MUST_USE bool supervisor_init(struct supervisor *supervisor, struct configuration *configuration, struct failure *why);
/* Closes and removes the sockets; every child must be gone. */
void supervisor_done(struct supervisor *supervisor);

/* Reads the configuration anew; with a mistake in it the old one stays. What is wrong is logged, and told to who asked.
 */
MUST_USE bool supervisor_reload(struct supervisor *supervisor);

/* A connection waits for the service. */
void supervisor_demand(struct supervisor *supervisor, struct service *service);
/* The child's status socket has something to read, or ended. */
void supervisor_hear(struct supervisor *supervisor, struct child *child);
/* Somebody waits until changed files are in force. */
void supervisor_settle(struct supervisor *supervisor);
/* A process ended. */
void supervisor_bury(struct supervisor *supervisor, pid_t pid, int status);
/* Wakeups, throttles, watched files, retired processes, steps of a stop: whatever the clock brings. */
void supervisor_tick(struct supervisor *supervisor, struct instant now);
/* When supervisor_tick has something to do next. */
struct instant supervisor_next_tick(const struct supervisor *supervisor);
/* True when a connection to this service shall start a process now. */
bool supervisor_wants(const struct supervisor *supervisor, const struct service *service, struct instant now);

/* Begins the ordered stop; phase tells when it is over. */
void supervisor_stop(struct supervisor *supervisor);
/* Kills every child at once; phase tells when they are gone. */
void supervisor_abort(struct supervisor *supervisor);

#endif
