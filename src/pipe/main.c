/* SPDX-License-Identifier: Apache-2.0 */
/* pipe - hands messages to a command that master.cf names: uux, maildrop, a mailing list's program. */

#include "delivery/command_arguments.h"
#include "log/log.h"
#include "pipe/pipe.h"

/* Commands at one time in one process, within its share of maxproc. */
enum { DELIVERIES_MAX = 100 };

static void *start(struct daemon *daemon)
{
    struct arena *arena = daemon_arena(daemon);
    struct pipe *pipe = arena_new(arena, struct pipe);

    pipe->loop = daemon_loop(daemon);
    pipe->settings = daemon_settings(daemon);
    pipe->shared = daemon_shared(daemon);
    pipe->service = str_from_c(daemon_service(daemon));
    pipe->is_usable =
        command_attributes_parse(daemon_arguments(daemon), false, arena, &pipe->attributes, &pipe->fault) &&
        command_arguments_check(&pipe->attributes.argv, &pipe->fault);
    if (!pipe->is_usable)
        log_error("%.*s: %s", STR_ARG(pipe->service), pipe->fault.text);
    return pipe;
}

static void deliver(struct delivery *delivery, void *context)
{
    pipe_deliver(context, delivery);
}

int main(int argc, char **argv)
{
    static const struct delivery_program program = {
        .name = "pipe",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_ROOT,
        .may_chroot = true,
        .settings = &pipe_settings_table,
        .start = start,
        .capacity = DELIVERIES_MAX,
        .deliver = deliver,
    };

    return delivery_agent_main(&program, argc, argv);
}
