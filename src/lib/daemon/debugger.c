/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/debugger.h"

#include "base/arena.h"
#include "config/shared_settings.h"
#include "log/log.h"
#include "os/process.h"

void debugger_run(const struct shared_settings *shared)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    char *arguments[] = { "sh", "-c", arena_c(arena, shared->debugger_command), NULL };
    const struct process_start start = { .path = "/bin/sh", .arguments = arguments };
    struct failure why;
    pid_t pid;
    int status;

    if (str_is_empty(shared->debugger_command)) {
        log_warning("debugger_command is empty: there is nothing to run for -D");
        return;
    }
    log_debug("running: %.*s", STR_ARG(shared->debugger_command));
    if (!process_start(&start, &pid, &why) || !process_wait(pid, &status, &why))
        log_warning("debugger_command: %s", why.text);
}
