/* SPDX-License-Identifier: Apache-2.0 */
#include "master/stop.h"

#include "master/log_lines.h"

#include <signal.h>

static void tell(struct service *service)
{
    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        struct child *child = CONTAINER_OF(n, struct child, link);

        if (!child->was_stopped)
            (void) kill(child->pid, SIGTERM);
        child->was_stopped = true;
    }
}

static void kill_all(struct service *service)
{
    for (struct list *n = service->children.next; n != &service->children; n = n->next) {
        struct child *child = CONTAINER_OF(n, struct child, link);

        log_process_stuck(service, child->pid);
        (void) kill(child->pid, SIGKILL);
    }
}

/* Calls function for each service with children that was told by the step now, and must be gone by it if is_due. */
static unsigned for_each(struct supervisor *supervisor, bool is_due, void (*function)(struct service *))
{
    unsigned count = 0;

    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        struct service *service = CONTAINER_OF(n, struct service, link);
        enum program_stop step;

        if (service->program == NULL || list_is_empty(&service->children))
            continue;
        step = is_due ? service->program->gone_by : service->program->told_at;
        if (step > supervisor->stop_step)
            continue;
        count++;
        if (function != NULL)
            function(service);
    }
    return count;
}

/* A peer that is silent must not hold a stop: what it was to get or to give stays where it is safe, and comes again. */
static struct duration step_limit(const struct supervisor *supervisor)
{
    const struct master_settings *settings = supervisor->configuration->settings;
    struct duration limit = settings->service_stop_limit;

    if (supervisor->stop_step <= PROGRAM_STOP_DELIVERY && settings->service_stop_session_limit.us < limit.us)
        limit = settings->service_stop_session_limit;
    return limit;
}

static void begin_step(struct supervisor *supervisor, struct instant now)
{
    supervisor->stop_deadline = instant_add(now, step_limit(supervisor));
    (void) for_each(supervisor, false, tell);
}

void stop_tell_new(const struct supervisor *supervisor, const struct child *child)
{
    if (supervisor->phase == SUPERVISOR_STOPPING)
        child_tell(child, MASTER_WORD_END);
}

/* Nobody shall make others wait from now on. */
static void announce(const struct supervisor *supervisor)
{
    for (struct list *n = supervisor->services.next; n != &supervisor->services; n = n->next) {
        struct service *service = CONTAINER_OF(n, struct service, link);

        for (struct list *c = service->children.next; service->program != NULL && c != &service->children; c = c->next)
            child_tell(CONTAINER_OF(c, struct child, link), MASTER_WORD_END);
    }
}

void stop_begin(struct supervisor *supervisor)
{
    announce(supervisor);
    supervisor->stop_step = 0;
    begin_step(supervisor, clock_monotonic());
    stop_go_on(supervisor, clock_monotonic());
}

void stop_go_on(struct supervisor *supervisor, struct instant now)
{
    /* One that was just started for those before it is told now. */
    (void) for_each(supervisor, false, tell);
    while (for_each(supervisor, true, NULL) == 0) {
        if (++supervisor->stop_step == PROGRAM_STOP_STEPS) {
            supervisor->phase = SUPERVISOR_STOPPED;
            return;
        }
        begin_step(supervisor, now);
    }
    if (!instant_is_before(now, supervisor->stop_deadline)) {
        (void) for_each(supervisor, true, kill_all);
        supervisor->stop_deadline = instant_add(now, seconds(1));
    }
}

bool stop_still_needs(const struct supervisor *supervisor, const struct service *service)
{
    return supervisor->phase == SUPERVISOR_STOPPING && service->program->told_at >= PROGRAM_STOP_RETURNS &&
           service->program->told_at > supervisor->stop_step;
}
