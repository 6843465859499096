/* SPDX-License-Identifier: Apache-2.0 */
/* bounce - tells senders what became of their mail; stands behind the services bounce, defer and trace. */

#include "bounce/notifier.h"
#include "bounce/templates.h"
#include "daemon/daemon.h"
#include "os/fd.h"
#include "protocol/cleanup.h"

static bool open_templates(struct daemon *daemon, struct failure *why)
{
    (void) why;
    daemon_keep(daemon, (void *) templates_open(daemon));
    return true;
}

static void *start(struct daemon *daemon)
{
    const struct shared_settings *shared = daemon_shared(daemon);
    struct arena *arena = daemon_arena(daemon);
    struct notifier *notifier = arena_new(arena, struct notifier);
    const char *cleanup = arena_printf(arena, "public/%.*s", STR_ARG(shared->cleanup_service_name)).data;

    notifier->settings = daemon_settings(daemon);
    notifier->shared = shared;
    notifier->templates = daemon_kept(daemon);
    notifier->cleanup = daemon_endpoint(daemon, cleanup, &cleanup_protocol);
    return notifier;
}

static bool notify(struct daemon_call *call, struct failure *why)
{
    const struct notifier *notifier = call->context;
    struct bounce_request request = *(const struct bounce_request *) call->request;
    int content_fd = request.content_fd;
    struct bounce_reply reply;
    bool is_whole = bounce_take_recipients(call->call, &request, call->arena, notifier->shared->ipc_timeout,
                                           &request.recipients, why);

    if (is_whole)
        notifier_run(notifier, &request, call->arena, &reply);
    fd_close(&content_fd);
    return is_whole && daemon_reply(call, &reply, why);
}

static const struct daemon_operation operations[] = {
    { &bounce_request_message, &bounce_reply_message, notify },
    { NULL, NULL, NULL },
};

static const char *const calls[] = { "cleanup", NULL };

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "bounce",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .settings = &bounce_settings_table,
        .open = open_templates,
        .start = start,
        .protocol = &bounce_protocol,
        .operations = operations,
        .calls = calls,
        .seccomp = "queue",
    };

    return daemon_run(&program, argc, argv);
}
