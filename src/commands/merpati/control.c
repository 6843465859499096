/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/control.h"

#include "base/cursor.h"
#include "config/in_force.h"
#include "config/layout.h"
#include "config/master_cf.h"
#include "log/log.h"
#include "merpati/check.h"
#include "merpati/log_lines.h"
#include "os/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 50, STOP_LIMIT_MS = 600 * 1000, ABORT_LIMIT_MS = 10 * 1000, MOMENT_MS = 500 };

static int fail(const struct failure *why)
{
    log_fatal("%s", why->text);
    return 1;
}

/* At once: what takes the line may be gone when the command ends. */
static void say(void (*line)(void))
{
    line();
    (void) log_flush();
}

/* number 0 asks whether it could be told. */
static bool send(pid_t pid, int number)
{
    if (kill(pid, number) == 0)
        return true;
    log_fatal("tell process %d: %s", (int) pid, errno == EPERM ? "this needs the user that started it" : "it is gone");
    return false;
}

/* Gives the id of a master that listens to us, or says why there is none; false ends the command with 1. */
static bool need_master(const struct instance *instance, pid_t *pid_out)
{
    struct failure why;

    if (!instance_find_master(instance, pid_out, &why))
        return fail(&why) == 0;
    if (*pid_out == 0)
        log_fatal("the Merpati mail system is not running");
    else if (!send(*pid_out, 0))
        return false;
    return *pid_out != 0;
}

static const char *program_path(const struct instance *instance, struct str directory, const char *name)
{
    return arena_c(instance->arena, arena_printf(instance->arena, "%.*s/%s", STR_ARG(directory), name));
}

/* The lock is master's last act, so that a start may follow at once. */
static bool wait_for_end(const struct instance *instance, int limit_ms)
{
    struct failure why;
    pid_t pid;

    for (int waited = 0; waited < limit_ms; waited += POLL_MS) {
        if (instance_find_master(instance, &pid, &why) && pid == 0)
            return true;
        (void) poll(NULL, 0, POLL_MS);
    }
    return false;
}

/* What a start needs. A master that was killed a moment ago may have its lock still: the kernel is taking it down. */
static bool has_room(const struct instance *instance)
{
    struct failure why;
    pid_t pid;

    if (wait_for_end(instance, MOMENT_MS))
        return true;
    if (!instance_find_master(instance, &pid, &why))
        return fail(&why) == 0;
    log_fatal("the Merpati mail system is already running");
    return false;
}

/* A mistake is shown to who made it, and no service runs into it. What is not acted on is told, too. */
static bool is_sound(const struct instance *instance, const char *consequence)
{
    struct layout_identity identity;
    struct master_cf *services;
    struct failure why;

    if (!instance_has_programs(instance, &why) ||
        !master_cf_load(instance->directory, instance->arena, &services, &why) ||
        !layout_identity_find(instance->shared, &identity, &why))
        log_error("%s", why.text);
    else if (check_parameters(instance) && check_lines(instance, services))
        return true;
    log_fatal("%s", consequence);
    return false;
}

static bool may_start(const struct instance *instance)
{
    return has_room(instance) && is_sound(instance, "the mail system is not started: \"merpati check\" tells why");
}

static char **master_arguments(const struct instance *instance, bool is_foreground)
{
    char **arguments = arena_new_array(instance->arena, instance->options->verbose + 6, char *);
    size_t count = 0;

    arguments[count++] = arena_c(instance->arena, STR("master"));
    for (unsigned i = 0; i < instance->options->verbose; i++)
        arguments[count++] = arena_c(instance->arena, STR("-v"));
    if (instance->options->is_debugged)
        arguments[count++] = arena_c(instance->arena, STR("-D"));
    if (is_foreground)
        arguments[count++] = arena_c(instance->arena, STR("-s"));
    arguments[count++] = arena_c(instance->arena, STR("-c"));
    arguments[count++] = arena_c(instance->arena, instance->directory);
    return arguments;
}

int control_start(const struct instance *instance)
{
    const char *path = program_path(instance, instance->shared->daemon_directory, "master");
    const struct process_fd fds[] = { { STDERR_FILENO, STDERR_FILENO } };
    const struct process_start start = {
        .path = path, .arguments = master_arguments(instance, false), .fds = fds, .fd_count = ARRAY_COUNT(fds)
    };
    struct failure why;
    pid_t pid;
    int status;

    if (!may_start(instance))
        return 1;
    if (str_equal(instance->shared->maillog_file, STR("/dev/stdout"))) {
        log_fatal("maillog_file = /dev/stdout: only \"merpati start-fg\" has a standard output to log to");
        return 1;
    }
    say(log_starting);
    if (!process_start(&start, &pid, &why) || !process_wait(pid, &status, &why))
        return fail(&why);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    log_fatal("mail system startup failed");
    return 1;
}

int control_start_foreground(const struct instance *instance)
{
    const char *path = program_path(instance, instance->shared->daemon_directory, "master");

    if (!may_start(instance))
        return 1;
    say(log_starting);
    log_close();
    (void) execv(path, master_arguments(instance, true));
    log_fatal("start %s: %s", path, errno == ENOENT ? "there is no such program" : "not allowed");
    return 1;
}

static bool tell_to_stop(const struct instance *instance)
{
    pid_t pid;

    if (!need_master(instance, &pid))
        return false;
    say(log_stopping);
    return send(pid, SIGTERM);
}

int control_quick_stop(const struct instance *instance)
{
    return tell_to_stop(instance) ? 0 : 1;
}

int control_stop(const struct instance *instance)
{
    if (!tell_to_stop(instance))
        return 1;
    if (wait_for_end(instance, STOP_LIMIT_MS))
        return 0;
    log_fatal("the Merpati mail system did not stop in time; \"merpati abort\" ends it at once");
    return 1;
}

int control_abort(const struct instance *instance)
{
    pid_t pid;

    if (!need_master(instance, &pid))
        return 1;
    say(log_aborting);
    return send(pid, SIGQUIT) && wait_for_end(instance, ABORT_LIMIT_MS) ? 0 : 1;
}

bool control_may_reload(const struct instance *instance)
{
    return is_sound(instance, "the configuration in force stays");
}

/* What master could not do of the configuration. */
static bool is_told(struct str complaints)
{
    struct cursor cursor = { complaints };
    struct str line;

    while (cursor_take_line(&cursor, &line))
        log_error("%.*s", STR_ARG(line));
    return complaints.len > 0;
}

static bool refresh(const struct instance *instance, bool *is_whole_out)
{
    struct str complaints = STR_EMPTY;
    pid_t pid;

    if (!need_master(instance, &pid))
        return false;
    say(log_refreshing);
    if (!send(pid, SIGHUP))
        return false;
    if (!in_force_wait(instance->shared->queue_directory, instance->arena, &complaints))
        log_warning("some services could not be replaced yet and go on as they were; the log tells why");
    *is_whole_out = !is_told(complaints);
    return true;
}

bool control_refresh(const struct instance *instance)
{
    bool ignored;

    return refresh(instance, &ignored);
}

int control_reload(const struct instance *instance)
{
    bool is_whole;

    return control_may_reload(instance) && refresh(instance, &is_whole) && is_whole ? 0 : 1;
}

int control_status(const struct instance *instance)
{
    struct failure why;
    pid_t pid;

    if (!instance_find_master(instance, &pid, &why))
        return fail(&why);
    log_status(pid);
    return pid == 0 ? 1 : 0;
}

int control_flush(const struct instance *instance)
{
    const char *path = instance_command(instance, "postqueue");
    char *arguments[] = { "postqueue", "-c", arena_c(instance->arena, instance->directory), "-f", NULL };

    log_close();
    (void) execv(path, arguments);
    log_fatal("start %s: %s", path, errno == ENOENT ? "there is no such program" : "not allowed");
    return 1;
}
