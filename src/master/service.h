/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MASTER_SERVICE_H
#define MASTER_SERVICE_H

#include "base/list.h"
#include "daemon/master_protocol.h"
#include "master/configuration.h"
#include "master/listeners.h"
#include "master/throttle.h"

#include <sys/types.h>

/*
 * service - one service of master.cf at run time, its sockets, its processes, what it waits for.
 * The row of master.cf belongs to the configuration in force; all else to the service.
 */
enum child_state {
    CHILD_STARTING, /* has not said READY */
    CHILD_AVAILABLE,
    CHILD_BUSY,
    CHILD_RETIRING, /* accepts no more; another takes its place */
};

struct service;

struct child {
    struct list link; /* in service->children */
    struct service *service;
    pid_t pid;
    int status_fd; /* -1 when it said goodbye */
    unsigned generation;
    enum child_state state;
    unsigned sessions;
    bool was_ready;
    bool was_stopped; /* SIGTERM was sent */
    struct instant started;
    bool has_left;    /* said so: it takes no more connections, and those who call it were told */
    bool has_yielded; /* a singleton that holds no more what there is only one of */
    struct instant retired_at;
};

struct watched_file {
    struct list link; /* in service->watched */
    char *path;
    dev_t device;
    ino_t inode;
    int64_t changed_ns; /* with inode and size: which version it is; all 0 when it is missing */
    off_t size;
};

struct service {
    struct list link;
    char *name;
    enum master_service_type type;
    const struct master_service *entry; /* NULL when is_dropped */
    const struct program *program;      /* NULL: a program nobody knows */
    struct listeners listeners;
    struct list children;
    struct list watched;
    struct throttle throttle;
    struct instant next_wakeup; /* monotonic */
    unsigned generation;
    bool is_stressed;          /* all its processes were full a while ago */
    struct instant was_full;   /* then: the last time */
    struct instant limit_told; /* that all its processes were busy; 0: never */
    unsigned tries_left;       /* to open its sockets, after a reload found a port in use */
    struct instant next_try;   /* of those */
    bool is_dropped;           /* no longer in master.cf: goes when its processes are gone */
    bool was_used;
    bool needs_start; /* start one without waiting for a connection */
};

struct service *service_create(const struct master_service *entry);
/* Its children must be gone; closes its sockets. */
void service_destroy(struct service *service);
bool service_is(const struct service *service, struct str name, enum master_service_type type);
/* "smtp/inet" for messages, in the given space. */
const char *service_text(const struct service *service, char *text, size_t size);

/* Whether a process of a singleton, retiring or not, holds what there is only one of. */
bool service_has_holder(const struct service *service);
/* Children of this generation that are not retiring. */
unsigned service_count_active(const struct service *service);
/*
 * Children of older generations that were ready and are not retiring: they serve until a successor is ready. A
 * singleton that has yielded counts, too: it may have something to hand over.
 */
bool service_has_older(const struct service *service);
/* Children of any generation that take connections, or will soon. */
unsigned service_count_available(const struct service *service);
unsigned service_count_retiring(const struct service *service);
/* The oldest of those that retire and were not told to stop yet, if there are more than limit; else NULL. */
struct child *service_retiring_beyond(const struct service *service, unsigned limit);
/* Whether whatever takes new work has the present generation's files and settings. */
bool service_is_settled(const struct service *service);
/* How many processes share its sessions, and the share of each (0: no limit). */
unsigned service_process_limit(const struct service *service, const struct configuration *configuration);
unsigned service_session_limit(const struct service *service, const struct configuration *configuration);

/* Remembers how the process found the file; a path that is known already changes nothing. */
void service_watch(struct service *service, struct str path, const struct master_record *found);
/* True if one changed since, and remembers how they look now. */
bool service_watched_changed(struct service *service);
void service_forget_watched(struct service *service);

struct child *service_add_child(struct service *service, pid_t pid, int status_fd);
void service_remove_child(struct child *child);
/* One that cannot take a byte has worse troubles. */
void child_tell(const struct child *child, enum master_word word);

#endif
