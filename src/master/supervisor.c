/* SPDX-License-Identifier: Apache-2.0 */
#include "master/supervisor.h"

#include "daemon/master_protocol.h"
#include "log/log.h"
#include "master/launch.h"
#include "master/log_lines.h"
#include "master/stop.h"
#include "master/stress.h"
#include "master/wakeup.h"
#include "os/fd.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, SPREAD_SESSIONS = 4, OPEN_TRIES = 60, COMPLAINTS_MAX = 8192 };

static const struct duration watch_interval = { 1000000 };
static const struct duration limit_told_interval = { 60 * 1000000 };

static struct service *service_of(struct list *node)
{
    return CONTAINER_OF(node, struct service, link);
}

static struct child *child_of(struct list *node)
{
    return CONTAINER_OF(node, struct child, link);
}

/* Whether one more process may be started; one of an older generation does not count. */
static bool may_start(const struct supervisor *supervisor, const struct service *service, struct instant now)
{
    if (service->is_dropped || service->listeners.count == 0 || throttle_is_paused(&service->throttle, now))
        return false;
    if (supervisor->phase != SUPERVISOR_RUNNING && !stop_still_needs(supervisor, service))
        return false;
    if (service->program->shape == PROGRAM_SINGLE && service_has_holder(service))
        return false;
    return service_count_active(service) < service_process_limit(service, supervisor->configuration);
}

bool supervisor_wants(const struct supervisor *supervisor, const struct service *service, struct instant now)
{
    return may_start(supervisor, service, now) && service_count_available(service) == 0;
}

static void note_death(struct supervisor *supervisor, struct service *service, struct instant started, bool was_ready)
{
    char path[PATH_SIZE];
    struct duration pause = throttle_add_death(&service->throttle, started, clock_monotonic(),
                                               supervisor->configuration->settings->service_throttle_time);

    if (service->entry == NULL || supervisor->phase != SUPERVISOR_RUNNING)
        return;
    (void) launch_program_path(supervisor->configuration, service->entry, path, sizeof path);
    if (pause.us == 0)
        return;
    if (was_ready)
        log_throttled(path, service, pause);
    else
        log_bad_startup(path);
}

static bool start_one(struct supervisor *supervisor, struct service *service)
{
    struct failure why;

    if (launch(supervisor, service, &why))
        return true;
    log_warning("%s", why.text);
    note_death(supervisor, service, clock_monotonic(), false);
    return false;
}

/* All processes that share the sessions of a service start together; those of others as they are needed. */
static void start_some(struct supervisor *supervisor, struct service *service)
{
    unsigned limit = service_process_limit(service, supervisor->configuration);

    if (service->program->shape != PROGRAM_WORKERS)
        limit = service_count_active(service) + 1;
    while (service_count_active(service) < limit && start_one(supervisor, service))
        ;
}

void supervisor_demand(struct supervisor *supervisor, struct service *service)
{
    if (supervisor_wants(supervisor, service, clock_monotonic()))
        start_some(supervisor, service);
}

static void retire(struct child *child)
{
    if (child->state == CHILD_RETIRING)
        return;
    child->state = CHILD_RETIRING;
    child->retired_at = clock_monotonic();
    (void) kill(child->pid, SIGHUP);
}

static void tell_to_stop(struct child *child)
{
    if (!child->was_stopped)
        (void) kill(child->pid, SIGTERM);
    child->was_stopped = true;
}

/* Those of older generations, now that one of the new has shown that it can do their work. */
static void retire_older(struct service *service)
{
    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        if (child_of(n)->generation != service->generation)
            retire(child_of(n));
    }
}

/* Replaced processes may go on for long; of too many, the one that was replaced first is told to stop. */
static void bound_retiring(struct supervisor *supervisor, struct service *service)
{
    unsigned limit = (unsigned) supervisor->configuration->settings->service_generation_limit *
                     service_process_limit(service, supervisor->configuration);
    struct child *oldest = service_retiring_beyond(service, limit);

    if (oldest != NULL)
        tell_to_stop(oldest);
}

/*
 * Every process of the service is replaced. The old ones go on until a new one is ready, so that a configuration
 * with which none can start costs nothing; a singleton cannot have its successor beside it and goes first.
 */
static void begin_generation(struct supervisor *supervisor, struct service *service)
{
    if (service->program == NULL || list_is_empty(&service->children))
        return;
    service->needs_start = service->needs_start || service_count_active(service) > 0;
    service->generation++;
    service_forget_watched(service);
    if (service->program->shape == PROGRAM_SINGLE || service->listeners.count == 0)
        retire_older(service);
    bound_retiring(supervisor, service);
}

/* A service that is full all the time is told of once a minute. */
static void tell_limit(struct service *service)
{
    struct instant now = clock_monotonic();

    if (service->limit_told.us != 0 && instant_since(now, service->limit_told).us < limit_told_interval.us)
        return;
    service->limit_told = now;
    log_process_limit(service, service_count_active(service));
}

static void become(struct supervisor *supervisor, struct child *child, const struct master_record *record,
                   enum child_state state)
{
    struct service *service = child->service;

    child->sessions = record->sessions;
    if (child->state == CHILD_RETIRING || service->program == NULL)
        return;
    child->state = state;
    if (state == CHILD_RETIRING)
        child->retired_at = clock_monotonic();
    if (state == CHILD_BUSY && service->program->shape == PROGRAM_SEQUENTIAL && service_count_available(service) == 0 &&
        service_count_active(service) == service_process_limit(service, supervisor->configuration))
        tell_limit(service);
    stress_look(service, supervisor->configuration, clock_monotonic());
    /* One that is left of several gets company when it has something to do. */
    if (state == CHILD_AVAILABLE && record->sessions >= SPREAD_SESSIONS && !service->is_dropped &&
        service->program->shape == PROGRAM_WORKERS && supervisor->phase == SUPERVISOR_RUNNING &&
        !throttle_is_paused(&service->throttle, clock_monotonic()))
        start_some(supervisor, service);
}

static void take_record(struct supervisor *supervisor, struct child *child, const struct master_record *record,
                        struct str rest)
{
    child->has_left = child->has_left || record->kind == MASTER_RETIRING || record->kind == MASTER_YIELDED;
    switch (record->kind) {
    case MASTER_READY:
        child->was_ready = true;
        if (child->generation == child->service->generation)
            retire_older(child->service);
        become(supervisor, child, record, CHILD_AVAILABLE);
        break;
    case MASTER_AVAILABLE:
        become(supervisor, child, record, CHILD_AVAILABLE);
        break;
    case MASTER_BUSY:
        become(supervisor, child, record, CHILD_BUSY);
        break;
    case MASTER_RETIRING:
        become(supervisor, child, record, CHILD_RETIRING);
        break;
    case MASTER_YIELDED:
        child->has_yielded = true;
        if (child->service->needs_start && may_start(supervisor, child->service, clock_monotonic()))
            start_some(supervisor, child->service);
        break;
    case MASTER_WATCH:
        if (child->generation == child->service->generation && !str_contains_char(rest, '\0'))
            service_watch(child->service, rest, record);
        break;
    default:
        log_warning("process %d of service %s: unknown status record %u", (int) child->pid, child->service->name,
                    (unsigned) record->kind);
        break;
    }
}

void supervisor_hear(struct supervisor *supervisor, struct child *child)
{
    union {
        struct master_record record;
        char bytes[sizeof(struct master_record) + MASTER_PATH_MAX];
    } packet;

    while (child->status_fd >= 0) {
        ssize_t len = recv(child->status_fd, &packet, sizeof packet, MSG_DONTWAIT);

        if (len < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (len < (ssize_t) sizeof packet.record) {
            fd_close(&child->status_fd);
            return;
        }
        take_record(supervisor, child, &packet.record,
                    str_make(packet.bytes + sizeof packet.record, (size_t) len - sizeof packet.record));
    }
}

static struct child *find_child(const struct supervisor *supervisor, pid_t pid)
{
    for (struct list *s = supervisor->services.next; s != &supervisor->services; s = s->next) {
        struct list *children = &service_of(s)->children;

        for (struct list *n = children->next; n != children; n = n->next) {
            if (child_of(n)->pid == pid)
                return child_of(n);
        }
    }
    return NULL;
}

void supervisor_bury(struct supervisor *supervisor, pid_t pid, int status)
{
    struct child *child = find_child(supervisor, pid);
    struct service *service;
    struct instant started;
    bool was_ready, has_ended_well;
    char path[PATH_SIZE];

    if (child == NULL)
        return;
    supervisor_hear(supervisor, child);
    service = child->service;
    was_ready = child->was_ready;
    started = child->started;
    /* A stop that arrives before a process can hear it kills it: that is a stop too. */
    has_ended_well =
        (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
        (WIFSIGNALED(status) && child->state == CHILD_RETIRING &&
         (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGHUP)) ||
        (WIFSIGNALED(status) && (WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGKILL) && child->was_stopped);
    service_remove_child(child);
    if (!has_ended_well && service->entry != NULL) {
        log_process_failed(launch_program_path(supervisor->configuration, service->entry, path, sizeof path), pid,
                           status);
        service->needs_start = supervisor->phase == SUPERVISOR_RUNNING;
        note_death(supervisor, service, started, was_ready);
    }
    if (service->is_dropped && list_is_empty(&service->children))
        service_destroy(service);
}

static struct service *find_service(const struct supervisor *supervisor, const struct master_service *entry)
{
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        if (!service_of(n)->is_dropped && service_is(service_of(n), entry->fields[MASTER_FIELD_NAME], entry->type))
            return service_of(n);
    }
    return NULL;
}

/* Gives each service its row of the configuration now in force; those that have none keep none. */
static void assign_entries(struct supervisor *supervisor)
{
    struct configuration *configuration = supervisor->configuration;

    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next)
        service_of(n)->entry = NULL;
    for (size_t i = 0; i < configuration->service_count; i++) {
        struct master_service *entry = &configuration->services[i];
        struct service *service = find_service(supervisor, entry);

        if (service == NULL) {
            service = service_create(entry);
            list_append(&supervisor->services, &service->link);
        }
        service->entry = entry;
        service->program = program_find(entry->fields[MASTER_FIELD_COMMAND]);
    }
}

/* Services that are no longer there take no connections; ports stay open for those that come in their place. */
static void begin_drop(struct supervisor *supervisor)
{
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        struct service *service = service_of(n);

        if (service->entry != NULL)
            continue;
        service->is_dropped = true;
        listeners_close_local(&service->listeners);
        for (struct list *c = service->children.next; c != &service->children; c = c->next)
            retire(child_of(c));
    }
}

/* Their other sockets go when those that come in their place are open, and the rest when their processes are gone. */
static void end_drop(struct supervisor *supervisor)
{
    struct list *next;

    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = next) {
        struct service *service = service_of(n);

        next = n->next;
        if (!service->is_dropped)
            continue;
        listeners_close(&service->listeners, NULL);
        if (list_is_empty(&service->children))
            service_destroy(service);
    }
}

static bool is_startable(const struct service *service)
{
    if (service->program != NULL && service->program->state == PROGRAM_OURS)
        return true;
    if (service->program != NULL && service->program->state == PROGRAM_ELSEWHERE)
        log_done_elsewhere(service);
    else if (service->program != NULL && service->program->state == PROGRAM_REFUSED)
        log_refused(service);
    else
        log_not_built(service);
    return false;
}

/* The sockets that the service may go on with: its own, then those of services that are going. NULL ends them. */
static struct listeners **old_sockets(struct supervisor *supervisor, struct service *service, struct arena *arena)
{
    size_t count = 2;
    struct listeners **old;

    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next)
        count += service_of(n)->is_dropped;
    old = arena_new_array(arena, count, struct listeners *);
    old[--count] = NULL;
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        if (service_of(n)->is_dropped)
            old[--count] = &service_of(n)->listeners;
    }
    old[0] = &service->listeners;
    return old;
}

static bool open_service(struct supervisor *supervisor, struct service *service, bool is_patient, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct listeners listeners = { .count = 0 };
    const struct listeners_wish wish = {
        .configuration = supervisor->configuration,
        .entry = service->entry,
        .old = old_sockets(supervisor, service, arena),
        .is_patient = is_patient,
    };

    if (is_startable(service) && !listeners_open(&wish, &listeners, why))
        return false;
    listeners_close(&service->listeners, &listeners);
    service->listeners = listeners;
    service->tries_left = 0;
    wakeup_plan(service, clock_monotonic());
    return true;
}

bool supervisor_init(struct supervisor *supervisor, struct configuration *configuration, struct failure *why)
{
    supervisor->configuration = configuration;
    supervisor->settled.listener = -1;
    strbuf_init(&supervisor->complaints, COMPLAINTS_MAX);
    list_init(&supervisor->services);
    assign_entries(supervisor);
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        if (!open_service(supervisor, service_of(n), true, why))
            return false;
    }
    return settled_open(&supervisor->settled, why);
}

void supervisor_done(struct supervisor *supervisor)
{
    while (!list_is_empty(&supervisor->services))
        service_destroy(service_of(supervisor->services.next));
    settled_close(&supervisor->settled);
    strbuf_done(&supervisor->complaints);
    configuration_destroy(&supervisor->configuration);
}

static void complain(struct supervisor *supervisor, const struct failure *why, const char *consequence)
{
    log_error("%s%s", why->text, consequence);
    /* What there is no room for is in the log. */
    (void) strbuf_printf(&supervisor->complaints, "%s%s\n", why->text, consequence);
}

bool supervisor_reload(struct supervisor *supervisor)
{
    struct configuration *old = supervisor->configuration;
    struct failure why;

    strbuf_clear(&supervisor->complaints);
    if (!configuration_load(supervisor->directory, &supervisor->configuration, &why)) {
        complain(supervisor, &why, "; the configuration in force stays");
        return false;
    }
    if (!layout_make(supervisor->configuration->shared, &supervisor->configuration->identity, &why))
        complain(supervisor, &why, "");
    assign_entries(supervisor);
    begin_drop(supervisor);
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        struct service *service = service_of(n);

        if (service->is_dropped)
            continue;
        /* Its old sockets, if it had any, stay: better the old address than none. */
        if (!open_service(supervisor, service, false, &why)) {
            service->tries_left = why.error == EADDRINUSE ? OPEN_TRIES : 0;
            complain(supervisor, &why, service->listeners.count > 0 ? "; it stays where it listened" : "");
        }
        throttle_reset(&service->throttle);
        begin_generation(supervisor, service);
    }
    end_drop(supervisor);
    configuration_destroy(&old);
    return true;
}

/* Whoever had the port may be on its way out: a process that ends its sessions, a program that was told to stop. */
static void open_again(struct supervisor *supervisor, struct service *service, struct instant now)
{
    struct failure why;

    if (service->tries_left == 0 || instant_is_before(now, service->next_try))
        return;
    service->next_try = instant_add(now, watch_interval);
    service->tries_left--;
    if (open_service(supervisor, service, false, &why))
        log_listens_now(service);
}

static void look_at_files(struct supervisor *supervisor, struct instant now)
{
    /* A process that was starting may have read a file before it changed, and told us of it after we looked. */
    if (supervisor->settled.count == 0 && instant_is_before(now, supervisor->next_look))
        return;
    supervisor->next_look = instant_add(now, watch_interval);
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        if (service_watched_changed(service_of(n)))
            begin_generation(supervisor, service_of(n));
    }
}

void supervisor_settle(struct supervisor *supervisor)
{
    settled_take(&supervisor->settled, clock_monotonic());
}

static bool is_settled(const struct supervisor *supervisor)
{
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        if (!service_is_settled(service_of(n)))
            return false;
    }
    return true;
}

/* Singletons have a successor that waits for them, so they get the time of a stop only. */
static void hurry_retired(struct supervisor *supervisor, struct service *service, struct instant now)
{
    const struct master_settings *settings = supervisor->configuration->settings;
    bool is_single = service->program->shape == PROGRAM_SINGLE && !service->is_dropped;

    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        struct child *child = child_of(n);
        struct duration time = instant_since(now, child->retired_at);
        struct duration limit =
            is_single && !child->has_yielded ? settings->service_stop_limit : settings->service_retire_limit;

        if (child->state != CHILD_RETIRING || time.us < limit.us)
            continue;
        tell_to_stop(child);
        if (time.us >= limit.us + settings->service_stop_limit.us && kill(child->pid, SIGKILL) == 0)
            log_process_stuck(service, child->pid);
    }
}

void supervisor_tick(struct supervisor *supervisor, struct instant now)
{
    if (supervisor->phase == SUPERVISOR_RUNNING)
        look_at_files(supervisor, now);
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        struct service *service = service_of(n);

        stress_tick(service, supervisor->configuration, now);
        if (service->program != NULL)
            hurry_retired(supervisor, service, now);
        if (supervisor->phase == SUPERVISOR_RUNNING && !service->is_dropped)
            open_again(supervisor, service, now);
        if (supervisor->phase != SUPERVISOR_RUNNING || service->listeners.count == 0)
            continue;
        if (service->needs_start && may_start(supervisor, service, now))
            start_some(supervisor, service);
        wakeup_if_due(service, now);
    }
    settled_release(&supervisor->settled, is_settled(supervisor), strbuf_str(&supervisor->complaints), now);
    if (supervisor->phase == SUPERVISOR_STOPPING)
        stop_go_on(supervisor, now);
}

static bool needs_clock(const struct service *service, struct instant now)
{
    return service->needs_start || throttle_is_paused(&service->throttle, now) || !list_is_empty(&service->watched) ||
           service_count_retiring(service) > 0 || service->tries_left > 0;
}

struct instant supervisor_next_tick(const struct supervisor *supervisor)
{
    struct instant now = clock_monotonic(), soon = instant_add(now, watch_interval), next = { INT64_MAX };

    if (supervisor->phase != SUPERVISOR_RUNNING)
        return instant_add(now, milliseconds(100));
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        const struct service *service = service_of(n);

        if (needs_clock(service, now) && instant_is_before(soon, next))
            next = soon;
        if (wakeup_is_planned(service) && instant_is_before(service->next_wakeup, next))
            next = service->next_wakeup;
    }
    return next;
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->phase != SUPERVISOR_RUNNING)
        return;
    supervisor->phase = SUPERVISOR_STOPPING;
    stop_begin(supervisor);
}

void supervisor_abort(struct supervisor *supervisor)
{
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        struct list *children = &service_of(n)->children;

        for (struct list *c = children->next; c != children; c = c->next)
            child_of(c)->was_stopped = kill(child_of(c)->pid, SIGKILL) == 0;
    }
    /* The last step: nothing is started any more, and it ends when all are gone. */
    supervisor->phase = SUPERVISOR_STOPPING;
    supervisor->stop_step = PROGRAM_STOP_STEPS - 1;
    supervisor->stop_deadline = instant_add(clock_monotonic(), supervisor->configuration->settings->service_stop_limit);
}
