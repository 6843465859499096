/* SPDX-License-Identifier: Apache-2.0 */
#include "master/launch.h"

#include "daemon/master_protocol.h"
#include "master/stop.h"
#include "master/stress.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/process.h"
#include "os/system_socket.h"

#include <stdio.h>
#include <unistd.h>

const char *launch_program_path(const struct configuration *configuration, const struct master_service *entry,
                                char *path, size_t size)
{
    struct str command = entry->fields[MASTER_FIELD_COMMAND];
    const struct program *program = program_find(command);

    if (program != NULL)
        command = str_from_c(program->name);
    snprintf(path, size, "%.*s/%.*s", STR_ARG(configuration->shared->daemon_directory), STR_ARG(command));
    return path;
}

static char **make_arguments(const struct supervisor *supervisor, const struct service *service, struct arena *arena)
{
    const struct master_service *entry = service->entry;
    int chroot = entry->chroot;
    char **arguments = arena_new_array(arena, entry->arguments.count + supervisor->verbose + 16, char *);
    size_t n = 0;

    arguments[n++] = arena_c(arena, str_from_c(service->program->name));
    arguments[n++] = arena_c(arena, STR("-n"));
    arguments[n++] = arena_c(arena, str_from_c(service->name));
    arguments[n++] = arena_c(arena, STR("-t"));
    arguments[n++] = arena_c(arena, str_from_c(master_service_type_name(entry->type)));
    if (chroot == 1)
        arguments[n++] = arena_c(arena, STR("-c"));
    if (entry->is_unprivileged)
        arguments[n++] = arena_c(arena, STR("-u"));
    arguments[n++] = arena_c(arena, STR("-s"));
    arguments[n++] = arena_c(arena, arena_printf(arena, "%zu", service->listeners.count));
    for (unsigned i = 0; i < supervisor->verbose; i++)
        arguments[n++] = arena_c(arena, STR("-v"));
    for (size_t i = 0; i < entry->arguments.count; i++)
        arguments[n++] = arena_c(arena, entry->arguments.items[i]);
    return arguments;
}

static char **make_environment(const struct supervisor *supervisor, const struct service *service, struct arena *arena)
{
    struct strlist rules = { 0 };
    char **ours = environ;

    for (; *ours != NULL; ours++) {
        if (!str_starts_with(str_from_c(*ours), STR("MAIL_CONFIG=")) &&
            !str_starts_with(str_from_c(*ours), STR(MASTER_VARIABLE_SUCCESSOR "=")) &&
            !str_starts_with(str_from_c(*ours), STR("NOTIFY_SOCKET=")))
            strlist_add(&rules, arena, str_from_c(*ours));
    }
    strlist_add(&rules, arena, arena_printf(arena, "MAIL_CONFIG=%.*s", STR_ARG(supervisor->directory)));
    strlist_add(&rules, arena, arena_printf(arena, MASTER_VARIABLE_GENERATION "=%u", service->generation));
    if (service_has_older(service))
        strlist_add(&rules, arena, STR(MASTER_VARIABLE_SUCCESSOR "=1"));
    strlist_add(
        &rules, arena,
        arena_printf(arena, MASTER_VARIABLE_SESSIONS "=%u", service_session_limit(service, supervisor->configuration)));
    return environment_export(arena, &rules);
}

static size_t list_fds(const struct supervisor *supervisor, const struct service *service, int status_fd,
                       struct process_fd *fds)
{
    size_t n = 0;

    if (supervisor->keeps_output) {
        fds[n++] = (struct process_fd){ STDOUT_FILENO, STDOUT_FILENO };
        fds[n++] = (struct process_fd){ STDERR_FILENO, STDERR_FILENO };
    }
    fds[n++] = (struct process_fd){ status_fd, MASTER_STATUS_FD };
    for (size_t i = 0; i < service->listeners.count; i++)
        fds[n++] = (struct process_fd){ service->listeners.items[i].fd, MASTER_LISTEN_FD + (int) i };
    return n;
}

bool launch(struct supervisor *supervisor, struct service *service, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    CLEANUP(fd_close) int ours = -1;
    CLEANUP(fd_close) int theirs = -1;
    struct process_fd fds[LISTENERS_MAX + 3];
    char path[4096];
    struct child *child;
    int ends[2];
    pid_t pid;
    struct process_start start = {
        .path = launch_program_path(supervisor->configuration, service->entry, path, sizeof path),
        .fds = fds,
    };

    if (!system_socket_pair(ends, why))
        return false;
    ours = ends[0];
    theirs = ends[1];
    if (!fd_set_nonblocking(ours, true, why))
        return false;
    start.arguments = make_arguments(supervisor, service, arena);
    start.environment = make_environment(supervisor, service, arena);
    start.fd_count = list_fds(supervisor, service, theirs, fds);
    if (!process_start(&start, &pid, why))
        return false;
    child = service_add_child(service, pid, fd_take(&ours));
    stress_tell_new(child);
    stop_tell_new(supervisor, child);
    return true;
}
