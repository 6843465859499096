/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of a service's protocol: each request finds its operation. */
#include "base/check.h"
#include "daemon/daemon_private.h"
#include "log/log.h"
#include "run/loop.h"

static const struct daemon_operation *find_operation(const struct daemon *daemon, const struct message_type *type)
{
    const struct daemon_operation *operation;

    for (operation = daemon->program->operations; operation->request != NULL; operation++) {
        if (operation->request == type)
            return operation;
    }
    return NULL;
}

static bool run_operation(struct daemon *daemon, struct call *call, struct arena *arena, struct failure *why)
{
    struct daemon_call request = {
        .daemon = daemon, .context = daemon->context, .call = call, .arena = arena, .now = clock_now()
    };
    const struct message_type *type;
    void *message;

    if (!call_receive(call, arena, daemon->shared->ipc_timeout, &type, &message, why))
        return false;
    request.request = message;
    request.operation = find_operation(daemon, type);
    if (request.operation == NULL)
        return failure_set(why, FAILURE_PROTOCOL, 0, "a call may not begin with %s", type->name);
    if (type != daemon->program->uncounted)
        daemon_count_use(daemon);
    return request.operation->run(&request, why);
}

/* A sequential service acts as one user after the other: never two requests at one time. */
static void take_turn(struct daemon *daemon)
{
    if (daemon->program->shape != DAEMON_SEQUENTIAL)
        return;
    while (daemon->is_in_turn)
        daemon_wait(daemon, &daemon->turn_free);
    daemon->is_in_turn = true;
}

static void end_turn(struct daemon *daemon)
{
    daemon->is_in_turn = false;
    event_wake_one(&daemon->turn_free);
}

void daemon_handle_call(struct call *call, void *context)
{
    struct daemon *daemon = context;
    struct arena *arena = arena_create();
    struct failure why;

    daemon->calls_running++;
    take_turn(daemon);
    if (!run_operation(daemon, call, arena, &why))
        log_warning("%s: %s", daemon->arguments.service, why.text);
    end_turn(daemon);
    daemon->calls_running--;
    daemon->last_active = loop_now(daemon->loop);
    arena_destroy(&arena);
}

bool daemon_reply(struct daemon_call *call, const void *reply, struct failure *why)
{
    CHECK(call->operation->reply != NULL);
    return call_send(call->call, call->operation->reply, reply, call->daemon->shared->ipc_timeout, why);
}
