/* SPDX-License-Identifier: Apache-2.0 */
/* pickup - takes what postdrop left in maildrop/ into the queue. */

#include "daemon/daemon.h"
#include "pickup/collector.h"
#include "protocol/bounce.h"
#include "protocol/cleanup.h"

static const char *service_path(struct daemon *daemon, const char *folder, struct str name)
{
    return arena_printf(daemon_arena(daemon), "%s/%.*s", folder, STR_ARG(name)).data;
}

static void *start(struct daemon *daemon)
{
    const struct shared_settings *shared = daemon_shared(daemon);
    struct submission_ways ways = {
        .loop = daemon_loop(daemon),
        .shared = shared,
        .cleanup =
            daemon_endpoint(daemon, service_path(daemon, "public", shared->cleanup_service_name), &cleanup_protocol),
        .bounce =
            daemon_endpoint(daemon, service_path(daemon, "private", shared->bounce_service_name), &bounce_protocol),
    };
    struct collector **collector = arena_new(daemon_arena(daemon), struct collector *);

    *collector = collector_start(&ways);
    return collector;
}

static void trigger(void *context, struct str bytes)
{
    struct collector **collector = context;

    (void) bytes;
    if (*collector != NULL)
        collector_wake(*collector);
}

static void drain(void *context)
{
    collector_stop(context);
}

static const char *const calls[] = { "cleanup", "bounce", NULL };

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "pickup",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .start = start,
        .drain = drain,
        .trigger = trigger,
        .calls = calls,
        .seccomp = "queue",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
