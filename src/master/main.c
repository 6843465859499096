/* SPDX-License-Identifier: Apache-2.0 */
/* master - starts the services of master.cf when they are asked for, and again when they die. It does nothing else. */

#include "config/directory.h"
#include "config/layout.h"
#include "daemon/debugger.h"
#include "log/log.h"
#include "master/background.h"
#include "master/instance_lock.h"
#include "master/log_lines.h"
#include "master/options.h"
#include "master/own_log.h"
#include "master/turn.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/notify.h"
#include "os/privilege.h"
#include "os/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_FAILED = 1 };

/* The services inherit this environment, and nothing of who typed the command. */
static bool set_environment(const struct configuration *configuration, struct str directory, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct strlist rules = main_cf_words(configuration->shared->import_environment, arena);

    /* The service manager's address, for us alone: services get what import_environment says. */
    strlist_add(&rules, arena, STR("NOTIFY_SOCKET"));
    strlist_add(&rules, arena, arena_printf(arena, "MAIL_CONFIG=%.*s", STR_ARG(directory)));
    strlist_add(&rules, arena, STR("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    return environment_import(&rules, why);
}

static bool enter_queue(const struct configuration *configuration, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    const struct shared_settings *shared = configuration->shared;

    (void) umask(077);
    if (!layout_make(shared, &configuration->identity, why) ||
        !layout_is_reachable(shared->queue_directory, &configuration->identity, why))
        return false;
    if (chdir(arena_c(arena, shared->queue_directory)) < 0)
        return failure_system(why, errno, "enter %.*s", STR_ARG(shared->queue_directory));
    return true;
}

struct start {
    struct options options;
    struct arena *arena;
    struct configuration *configuration;
    struct supervisor supervisor;
    struct instance_lock lock;
    int signal_fd;
    int report; /* to the parent in the foreground, -1 when there is none */
};

static bool read_configuration(struct start *start, struct failure *why)
{
    return config_directory_find(start->options.config_directory, start->arena, &start->supervisor.directory, why) &&
           configuration_load(start->supervisor.directory, &start->configuration, why) &&
           set_environment(start->configuration, start->supervisor.directory, why);
}

/*
 * What supervising takes (making and owning sockets and folders, low ports, ending processes of any user), and what
 * the services need to enter their jails and to act as mail users. No more than this is inherited.
 */
static bool limit_rights(struct failure *why)
{
    static const int kept[] = {
        CAP_CHOWN,  CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,     CAP_KILL,
        CAP_SETGID, CAP_SETUID,       CAP_SETPCAP,         CAP_SYS_CHROOT, CAP_NET_BIND_SERVICE,
    };

    return !privilege_is_root() ||
           (privilege_leave_groups(why) && privilege_limit_capabilities(kept, ARRAY_COUNT(kept), why));
}

static bool begin(struct start *start, struct failure *why)
{
    static const int numbers[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD };

    if (!read_configuration(start, why) || !enter_queue(start->configuration, why))
        return false;
    if (!start->options.stays && !background_enter(&start->report, why))
        return false;
    if (!own_log_open(start->configuration, true, why) ||
        !instance_lock_acquire(&start->lock, start->configuration->shared->data_directory, why))
        return false;
    /* Said on the terminal too, which listens for the last time here. */
    if (!privilege_is_root())
        log_warning("running as an ordinary user: services are not separated from each other");
    (void) fd_raise_limit();
    if (!limit_rights(why))
        return false;
    if (start->options.is_debugged)
        debugger_run(start->configuration->shared);
    start->supervisor.verbose = start->options.verbose;
    start->supervisor.keeps_output = start->options.keeps_output;
    if (!signals_open(numbers, ARRAY_COUNT(numbers), &start->signal_fd, why))
        return false;
    /* As process 1, for those who ended before this. */
    (void) raise(SIGCHLD);
    return supervisor_init(&start->supervisor, start->configuration, why) &&
           own_log_open(start->configuration, false, why);
}

static void say_ready(struct start *start)
{
    for (size_t i = 0; i < start->configuration->warnings.count; i++)
        log_warning("%.*s", STR_ARG(start->configuration->warnings.items[i]));
    log_daemon_started(start->configuration);
    (void) log_flush();
    if (start->report >= 0)
        background_ready(&start->report);
    notify_ready();
}

static void end(struct start *start)
{
    if (start->supervisor.configuration != NULL)
        supervisor_done(&start->supervisor);
    else
        configuration_destroy(&start->configuration);
    instance_lock_release(&start->lock);
    log_close();
    fd_close(&start->signal_fd);
    arena_destroy(&start->arena);
}

int main(int argc, char **argv)
{
    struct start start = { .arena = arena_create(), .lock = { -1, -1 }, .report = -1, .signal_fd = -1 };
    struct failure why;
    bool is_started;

    signals_init();
    is_started = fd_guard_standard(&why) && options_parse(argc, argv, &start.options, &why) && begin(&start, &why);
    if (is_started) {
        say_ready(&start);
        turn_run(&start.supervisor, start.signal_fd);
    } else {
        log_fatal("%s", why.text);
    }
    end(&start);
    return is_started ? 0 : STATUS_FAILED;
}
