/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flush - the way from the network to the queue manager for ETRN, and no more than that: what is asked here is that
 * mail for one site be tried now. It keeps nothing; the queue manager knows its mail.
 */

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "log/log.h"
#include "mail/domain.h"
#include "protocol/flush.h"
#include "protocol/queue.h"

struct flush {
    struct endpoint *queue;
    struct duration timeout;
};

static void *start(struct daemon *daemon)
{
    const struct shared_settings *shared = daemon_shared(daemon);
    struct flush *flush = arena_new(daemon_arena(daemon), struct flush);
    const char *path = arena_c(daemon_arena(daemon),
                               arena_printf(daemon_arena(daemon), "public/%.*s", STR_ARG(shared->queue_service_name)));

    flush->queue = daemon_endpoint(daemon, path, &queue_protocol);
    flush->timeout = shared->ipc_timeout;
    return flush;
}

static enum flush_status ask_queue_manager(const struct flush *flush, struct str site, struct arena *arena)
{
    const struct queue_control request = { .operation = QUEUE_FLUSH, .site = site };
    const struct queue_controlled *reply;
    struct failure why;
    void *message;

    if (!endpoint_ask(flush->queue, &queue_control_message, &request, &queue_controlled_message, arena, flush->timeout,
                      &message, &why)) {
        log_warning("cannot flush %.*s: %s", STR_ARG(site), why.text);
        return FLUSH_TRY_LATER;
    }
    reply = message;
    if (reply->is_denied)
        return FLUSH_DENIED;
    return str_is_empty(reply->failure) ? FLUSH_STARTED : FLUSH_TRY_LATER;
}

static bool flush_site(struct daemon_call *call, struct failure *why)
{
    const struct flush_request *request = call->request;
    struct flush_reply reply = { .status = FLUSH_BAD_SITE };

    if (domain_is_site(request->site))
        reply.status = ask_queue_manager(call->context, request->site, call->arena);
    return daemon_reply(call, &reply, why);
}

/* Postfix refreshes its log files when master wakes it: here is none. */
static void wake(void *context, struct str bytes)
{
    (void) context;
    (void) bytes;
}

static const struct daemon_operation operations[] = {
    { &flush_request_message, &flush_reply_message, flush_site },
    { NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
    static const char *const calls[] = { "qmgr", NULL };
    static const struct daemon_program program = {
        .name = "flush",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_MAIL_OWNER,
        .start = start,
        .protocol = &flush_protocol,
        .operations = operations,
        .trigger = wake,
        .calls = calls,
        .seccomp = "queue",
        .is_singleton = true,
    };

    return daemon_run(&program, argc, argv);
}
