/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spawn - the mail system's inetd: each connection gets a process of the command that master.cf names, with the
 * connection as its standard input, output and error. Not a byte of it is read here.
 */

#include "config/shared_settings.h"
#include "daemon/daemon.h"
#include "delivery/command_attributes.h"
#include "delivery/command_environment.h"
#include "delivery/command_run.h"
#include "delivery/command_user.h"
#include "log/log.h"
#include "os/fd.h"
#include "spawn/settings.h"

#include <sys/socket.h>

struct spawn {
    struct daemon *daemon;
    const struct spawn_settings *settings;
    const struct shared_settings *shared;
    struct command_attributes attributes;
    bool is_usable;
    struct failure fault; /* why not */
    struct list sessions; /* struct running */
};

struct running {
    struct list place;
    int fd;
};

static void *start(struct daemon *daemon)
{
    struct arena *arena = daemon_arena(daemon);
    struct spawn *spawn = arena_new(arena, struct spawn);

    spawn->daemon = daemon;
    spawn->settings = daemon_settings(daemon);
    spawn->shared = daemon_shared(daemon);
    list_init(&spawn->sessions);
    spawn->is_usable =
        command_attributes_parse(daemon_arguments(daemon), true, arena, &spawn->attributes, &spawn->fault);
    if (!spawn->is_usable)
        log_error("%s: %s", daemon_service(daemon), spawn->fault.text);
    return spawn;
}

/* A client that stays connected must not hold up the end: its command reads to the end of its input and goes. */
static void drain(void *context)
{
    struct spawn *spawn = context;

    if (!daemon_is_stopping(spawn->daemon))
        return;
    for (struct list *node = spawn->sessions.next; node != &spawn->sessions; node = node->next)
        (void) shutdown(CONTAINER_OF(node, struct running, place)->fd, SHUT_RD);
}

static const char *const *make_argv(const struct command_attributes *attributes, struct arena *arena)
{
    const char **argv = arena_new_array(arena, attributes->argv.count + 1, const char *);

    for (size_t i = 0; i < attributes->argv.count; i++)
        argv[i] = arena_c(arena, attributes->argv.items[i]);
    return argv;
}

static void log_end(const struct child_command *command, const struct child_result *result)
{
    switch (result->end) {
    case CHILD_TIMED_OUT:
        log_warning("%s: command time limit exceeded", command->argv[0]);
        break;
    case CHILD_SIGNALED:
        log_warning("command %s killed by signal %d", command->argv[0], result->status);
        break;
    case CHILD_EXITED:
        if (result->status != 0)
            log_warning("command %s exit status %d", command->argv[0], result->status);
        break;
    }
}

static bool run_command(const struct spawn *spawn, const struct daemon_session *session, struct failure *why)
{
    struct rights rights;
    struct child_identity identity;
    struct child_command command = {
        .argv = make_argv(&spawn->attributes, session->arena),
        .identity = &identity,
        .input_fd = session->fd,
        .input_is_fd = true,
        .output_fd = session->fd,
        .output_is_fd = true,
        .timeout = spawn->settings->time_limit,
    };
    struct command_environment environment;
    struct child_result result;

    command_environment_init(&environment, session->arena, &spawn->settings->export_environment);
    command.environment = command_environment_list(&environment);
    if (!command_user_find(&spawn->attributes, spawn->shared, &rights, why) ||
        !fd_set_nonblocking(session->fd, false, why))
        return false;
    identity = (struct child_identity){ rights.uid, rights.gid, &rights.gid, 1 };
    if (!child_run(daemon_loop(session->daemon), &command, session->arena, &result, why)) {
        if (why->kind == FAILURE_CONFIGURATION)
            return false;
        /* In a process of its own, as it were. */
        log_fatal("spawn_comand: execvp %s", why->text);
        result = (struct child_result){ .end = CHILD_EXITED, .status = 1 };
    }
    log_end(&command, &result);
    return true;
}

static void serve(struct daemon_session *session)
{
    struct spawn *spawn = session->context;
    struct running running = { .fd = session->fd };
    struct failure why = spawn->fault;

    list_append(&spawn->sessions, &running.place);
    if (!spawn->is_usable || !run_command(spawn, session, &why))
        log_error("%s: %s", session->service, why.text);
    list_remove(&running.place);
}

int main(int argc, char **argv)
{
    static const struct daemon_program program = {
        .name = "spawn",
        .shape = DAEMON_EVENT,
        .user = DAEMON_AS_ROOT,
        .settings = &spawn_settings_table,
        .start = start,
        .drain = drain,
        .session = serve,
    };

    return daemon_run(&program, argc, argv);
}
