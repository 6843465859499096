/* SPDX-License-Identifier: Apache-2.0 */
#include "master/turn.h"

#include "base/memory.h"
#include "log/log.h"
#include "master/log_lines.h"
#include "master/own_log.h"
#include "os/notify.h"
#include "os/process.h"
#include "os/signals.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>

/* What one descriptor of the poll set belongs to: a child, a service that wants connections; neither: see gather. */
struct turn_source {
    struct child *child;
    struct service *service;
};

struct turn {
    struct pollfd *polls;
    struct turn_source *sources;
    size_t count;
    size_t capacity;
};

static void add(struct turn *turn, int fd, struct child *child, struct service *service)
{
    if (turn->count == turn->capacity) {
        turn->capacity = turn->capacity == 0 ? 64 : turn->capacity * 2;
        turn->polls = memory_resize(turn->polls, turn->capacity * sizeof *turn->polls);
        turn->sources = memory_resize(turn->sources, turn->capacity * sizeof *turn->sources);
    }
    turn->polls[turn->count] = (struct pollfd){ .fd = fd, .events = POLLIN };
    turn->sources[turn->count++] = (struct turn_source){ child, service };
}

static void gather(struct turn *turn, const struct supervisor *supervisor, int signal_fd)
{
    struct instant now = clock_monotonic();

    turn->count = 0;
    add(turn, signal_fd, NULL, NULL);
    add(turn, settled_listener(&supervisor->settled), NULL, NULL);
    for (struct list *s = supervisor->services.next; s != &supervisor->services; s = s->next) {
        struct service *service = CONTAINER_OF(s, struct service, link);

        for (struct list *n = service->children.next; n != &service->children; n = n->next) {
            struct child *child = CONTAINER_OF(n, struct child, link);

            if (child->status_fd >= 0)
                add(turn, child->status_fd, child, NULL);
        }
        if (!supervisor_wants(supervisor, service, now))
            continue;
        for (size_t i = 0; i < service->listeners.count; i++)
            add(turn, service->listeners.items[i].fd, NULL, service);
    }
}

static int wait_time(const struct supervisor *supervisor)
{
    struct duration time = instant_since(supervisor_next_tick(supervisor), clock_monotonic());
    int64_t ms = time.us <= 0 ? 0 : time.us / 1000 + 1;

    if (log_has_pending() && ms > 100)
        ms = 100;
    return ms > 60000 ? 60000 : (int) ms;
}

static void reload(struct supervisor *supervisor)
{
    struct failure why;

    notify_reloading();
    if (supervisor->phase != SUPERVISOR_RUNNING)
        return;
    if (supervisor_reload(supervisor)) {
        if (!own_log_open(supervisor->configuration, false, &why))
            log_error("%s; master's own lines go where they went", why.text);
        log_reload(supervisor->configuration);
    }
    notify_ready();
}

static void handle_signal(struct supervisor *supervisor, int number)
{
    pid_t pid;
    int status;

    switch (number) {
    case SIGCHLD:
        while (process_reap(&pid, &status))
            supervisor_bury(supervisor, pid, status);
        break;
    case SIGHUP:
        reload(supervisor);
        break;
    case SIGQUIT:
        log_terminating(number);
        supervisor_abort(supervisor);
        break;
    default:
        if (supervisor->phase == SUPERVISOR_RUNNING)
            log_terminating(number);
        notify_stopping();
        supervisor_stop(supervisor);
        break;
    }
}

/* What may free a child or a service comes last: until then the pointers of the turn hold. */
static void hand_out(const struct turn *turn, struct supervisor *supervisor, int signal_fd)
{
    int number;

    for (size_t i = 2; i < turn->count; i++) {
        if (turn->polls[i].revents != 0 && turn->sources[i].child != NULL)
            supervisor_hear(supervisor, turn->sources[i].child);
    }
    for (size_t i = 2; i < turn->count; i++) {
        if (turn->polls[i].revents != 0 && turn->sources[i].service != NULL)
            supervisor_demand(supervisor, turn->sources[i].service);
    }
    while ((number = signals_next(signal_fd)) != 0)
        handle_signal(supervisor, number);
    /* Behind the signals: who asked for a reload and then waits, waits for that reload. */
    if (turn->polls[1].revents != 0)
        supervisor_settle(supervisor);
}

void turn_run(struct supervisor *supervisor, int signal_fd)
{
    struct turn turn = { 0 };

    while (supervisor->phase != SUPERVISOR_STOPPED) {
        supervisor_tick(supervisor, clock_monotonic());
        (void) log_flush();
        if (supervisor->phase == SUPERVISOR_STOPPED)
            break;
        gather(&turn, supervisor, signal_fd);
        if (poll(turn.polls, turn.count, wait_time(supervisor)) > 0)
            hand_out(&turn, supervisor, signal_fd);
    }
    memory_free(turn.polls);
    memory_free(turn.sources);
}
