/* SPDX-License-Identifier: Apache-2.0 */
/* showq - tells postqueue, and monitoring, what is in the queue. */

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "run/stream.h"
#include "showq/listing.h"

static void *start(struct daemon *daemon)
{
    const struct shared_settings *shared = daemon_shared(daemon);
    struct listing_source *source = arena_new(daemon_arena(daemon), struct listing_source);
    const char *path = arena_c(daemon_arena(daemon),
                               arena_printf(daemon_arena(daemon), "public/%.*s", STR_ARG(shared->queue_service_name)));

    source->queue = daemon_endpoint(daemon, path, &queue_protocol);
    source->null_sender = shared->empty_address_recipient;
    source->timeout = shared->ipc_timeout;
    return source;
}

static void show(struct daemon_session *session)
{
    struct failure why;

    if (!listing_write(session->context, session->stream, &why))
        log_warning("queue listing ended early: %s", why.text);
}

static const char *const calls[] = { "qmgr", NULL };

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "showq",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .start = start,
        .session = show,
        .calls = calls,
        .seccomp = "queue",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
