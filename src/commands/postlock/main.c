/* SPDX-License-Identifier: Apache-2.0 */
/* postlock - runs a command while it holds the locks of a mailbox that deliveries respect. */

#include "config/directory.h"
#include "config/main_cf.h"
#include "log/log.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/process.h"
#include "os/signals.h"
#include "postlock/settings.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

struct mailbox_lock {
    const char *path;
    int fd;
    bool has_dot;
};

static bool take_one(struct mailbox_lock *lock, const struct postlock_settings *settings, struct str style,
                     struct failure *why)
{
    struct duration limit = { settings->deliver_lock_delay.us * settings->deliver_lock_attempts };

    if (str_equal(style, STR("fcntl")))
        return lock_wait(lock->fd, lock->path, LOCK_STYLE_DESCRIPTION, LOCK_EXCLUSIVE, limit, why);
    if (str_equal(style, STR("flock")))
        return lock_wait(lock->fd, lock->path, LOCK_STYLE_FLOCK, LOCK_EXCLUSIVE, limit, why);
    if (!str_equal(style, STR("dotlock")))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "lock style %.*s: write fcntl, flock or dotlock",
                           STR_ARG(style));
    lock->has_dot = lock_dot_acquire(lock->path, (unsigned) settings->deliver_lock_attempts,
                                     settings->deliver_lock_delay, settings->stale_lock_time, why);
    return lock->has_dot;
}

static bool take(struct mailbox_lock *lock, const struct postlock_settings *settings, struct failure *why)
{
    const struct strlist *styles = &settings->mailbox_delivery_lock;

    if (!file_open(lock->path, O_RDWR | O_APPEND | O_CREAT, 0600, &lock->fd, why))
        return false;
    for (size_t i = 0; i < styles->count; i++) {
        if (!take_one(lock, settings, styles->items[i], why))
            return false;
    }
    return true;
}

static void give_back(struct mailbox_lock *lock)
{
    if (lock->has_dot)
        lock_dot_release(lock->path);
    fd_close(&lock->fd);
}

/* What cannot be done here may be tried again; the same status as Postfix's for every reason. */
static int fail(const struct failure *why)
{
    return log_fail(EX_TEMPFAIL, "%s", why->text);
}

/* The command has our input and output. Its status is ours; 1 when a signal killed it, or there is no such command. */
static int run_command(char **words, struct failure *why)
{
    const struct process_fd fds[] = { { 0, 0 }, { 1, 1 }, { 2, 2 } };
    const struct process_start start = {
        .path = words[0], .arguments = words, .fds = fds, .fd_count = ARRAY_COUNT(fds)
    };
    pid_t pid;
    int status;

    if (!process_start(&start, &pid, why) || !process_wait(pid, &status, why))
        return log_fail(EXIT_FAILURE, "%s", why->text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

static bool load(struct arena *arena, struct str config_directory, struct postlock_settings **settings_out,
                 struct failure *why)
{
    struct main_cf *main_cf;
    struct str directory;
    void *settings;

    if (!config_directory_find(config_directory, arena, &directory, why) ||
        !main_cf_load(directory, arena, &main_cf, why) ||
        !settings_load(&postlock_settings_table, main_cf, STR_EMPTY, arena, &settings, why))
        return false;
    /* The command may be one of ours, and means the same mail system. */
    if (config_directory.len > 0 && !environment_set("MAIL_CONFIG", arena_c(arena, config_directory), why))
        return false;
    *settings_out = settings;
    return true;
}

static int usage(void)
{
    return log_fail(EX_TEMPFAIL, "usage: postlock [-c config_dir] [-l lock_style] [-v] folder command...");
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_create();
    struct postlock_settings *settings;
    struct mailbox_lock lock = { .fd = -1 };
    struct str config_directory = STR_EMPTY;
    const char *styles = NULL;
    struct failure why;
    int letter, status;

    signals_init();
    while ((letter = getopt(argc, argv, "+c:l:v")) != -1) {
        if (letter == '?')
            return usage();
        if (letter == 'c')
            config_directory = str_from_c(optarg);
        if (letter == 'l')
            styles = optarg;
    }
    if (argc - optind < 2)
        return usage();
    lock.path = argv[optind];
    if (!load(arena, config_directory, &settings, &why))
        return fail(&why);
    if (styles != NULL)
        settings->mailbox_delivery_lock = main_cf_words(str_from_c(styles), arena);
    status = take(&lock, settings, &why) ? run_command(argv + optind + 1, &why) : fail(&why);
    give_back(&lock);
    arena_destroy(&arena);
    return status;
}
