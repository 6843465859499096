/* SPDX-License-Identifier: Apache-2.0 */
#include "postmulti/programs.h"

#include "log/log.h"
#include "os/environment.h"
#include "os/process.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

bool programs_set_environment(const struct member *member, unsigned verbose, struct failure *why)
{
    const struct {
        const char *name;
        struct str value;
    } variables[] = {
        { "MAIL_CONFIG", member->directory },
        { "config_directory", member->directory },
        { "command_directory", member->shared->command_directory },
        { "daemon_directory", member->shared->daemon_directory },
        { "queue_directory", member->shared->queue_directory },
        { "data_directory", member->shared->data_directory },
        { "multi_instance_name", member->shared->multi_instance_name },
        { "multi_instance_group", member->settings->group },
        { "multi_instance_enable", member->settings->is_enabled ? STR("yes") : STR("no") },
    };
    CLEANUP(arena_destroy) struct arena *arena = arena_create();

    for (size_t i = 0; i < ARRAY_COUNT(variables); i++) {
        if (!environment_set(variables[i].name, arena_c(arena, variables[i].value), why))
            return false;
    }
    return verbose == 0 || environment_set("MAIL_VERBOSE", "yes", why);
}

char *programs_path(const struct member *member, struct arena *arena, const char *name)
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    struct str self = str_make(own, len < 0 ? 0 : (size_t) len);
    size_t slash = str_find_last_char(self, '/');
    char *path;

    if (slash != STR_NOT_FOUND) {
        path = arena_c(arena, arena_printf(arena, "%.*s/%s", STR_ARG(str_part(self, 0, slash)), name));
        if (access(path, X_OK) == 0)
            return path;
    }
    return arena_c(arena, arena_printf(arena, "%.*s/%s", STR_ARG(member->shared->command_directory), name));
}

int programs_run(char *const *words)
{
    static const struct process_fd fds[] = { { 0, 0 }, { 1, 1 }, { 2, 2 } };
    const struct process_start start = {
        .path = words[0], .arguments = words, .fds = fds, .fd_count = ARRAY_COUNT(fds)
    };
    struct failure why;
    char text[60];
    pid_t pid;
    int status;

    if (!process_start(&start, &pid, &why) || !process_wait(pid, &status, &why)) {
        log_error("%s", why.text);
        return EXIT_FAILURE;
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    process_status_text(status, text, sizeof text);
    log_error("%s: %s", words[0], text);
    return EXIT_FAILURE;
}

bool programs_edit(const struct member *member, struct arena *arena, const struct strlist *assignments,
                   struct failure *why)
{
    char **words = arena_new_array(arena, assignments->count + 5, char *);
    size_t count = 0;

    words[count++] = programs_path(member, arena, "postconf");
    words[count++] = arena_c(arena, STR("-c"));
    words[count++] = arena_c(arena, member->directory);
    words[count++] = arena_c(arena, STR("-e"));
    for (size_t i = 0; i < assignments->count; i++)
        words[count++] = arena_c(arena, assignments->items[i]);
    return programs_run(words) == 0 ||
           failure_set(why, FAILURE_PERMANENT, 0, "%.*s/main.cf could not be changed", STR_ARG(member->directory));
}
