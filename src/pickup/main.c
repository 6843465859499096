/* SPDX-License-Identifier: Apache-2.0 */
/* pickup - takes what postdrop left in maildrop/ into the queue. */

#include "config/receive_override.h"
#include "daemon/daemon.h"
#include "pickup/collector.h"
#include "pickup/settings.h"
#include "protocol/bounce.h"
#include "protocol/cleanup.h"

static bool check_options(struct daemon *daemon, struct failure *why)
{
    const struct pickup_settings *settings = daemon_settings(daemon);

    return receive_override_parse(&settings->receive_override_options, &(unsigned){ 0 }, why);
}

static void *start(struct daemon *daemon)
{
    const struct pickup_settings *settings = daemon_settings(daemon);
    const struct shared_settings *shared = daemon_shared(daemon);
    struct submission_ways ways = {
        .loop = daemon_loop(daemon),
        .shared = shared,
        .cleanup = daemon_endpoint(daemon, daemon_service_path(daemon, "public", shared->cleanup_service_name),
                                   &cleanup_protocol),
        .bounce = daemon_endpoint(daemon, daemon_service_path(daemon, "private", shared->bounce_service_name),
                                  &bounce_protocol),
        .content_filter = settings->content_filter,
    };
    struct collector **collector = arena_new(daemon_arena(daemon), struct collector *);
    struct failure why;

    /* Looked at before: it is good. */
    if (!receive_override_parse(&settings->receive_override_options, &ways.overrides, &why))
        ways.overrides = 0;
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
        .settings = &pickup_settings_table,
        .open = check_options,
        .start = start,
        .drain = drain,
        .trigger = trigger,
        .calls = calls,
        .seccomp = "queue",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
