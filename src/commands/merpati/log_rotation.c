/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/log_rotation.h"

#include "log/log.h"
#include "merpati/control.h"
#include "merpati/log_lines.h"
#include "merpati/settings.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 50, WRITERS_LIMIT_MS = 60 * 1000, WITHOUT_LEASES_MS = 1000, SUFFIX_MAX = 200 };

/* The name that the file gets now; STR_EMPTY if the suffix is too long or empty. */
static bool new_name(const struct instance *instance, const struct merpati_settings *settings, const char **name_out,
                     struct failure *why)
{
    char suffix[SUFFIX_MAX];
    time_t now = time(NULL);
    struct tm parts;
    size_t len;

    (void) localtime_r(&now, &parts);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                                                         \
    "-Wformat-nonliteral" /* the administrator's format; strftime takes no arguments of ours */
    len = strftime(suffix, sizeof suffix, arena_c(instance->arena, settings->rotate_suffix), &parts);
#pragma GCC diagnostic pop

    *name_out = arena_printf(instance->arena, "%.*s.%s", STR_ARG(instance->shared->maillog_file), suffix).data;
    return len > 0 ||
           failure_set(why, FAILURE_CONFIGURATION, 0,
                       "maillog_file_rotate_suffix = %.*s: write a short form of a date, as %%Y%%m%%d-%%H%%M%%S",
                       STR_ARG(settings->rotate_suffix));
}

/* Until nobody can write to it any more: then, and no earlier, the system grants a lease. */
static bool wait_for_writers(const char *name, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    if (!file_open(name, O_RDONLY, 0, &fd, why))
        return false;
    for (int waited = 0; waited < WRITERS_LIMIT_MS; waited += POLL_MS) {
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
            return true;
        if (errno != EAGAIN) {
            (void) poll(NULL, 0, WITHOUT_LEASES_MS);
            return true;
        }
        (void) poll(NULL, 0, POLL_MS);
    }
    return failure_set(why, FAILURE_TIMEOUT, 0, "%s is still written to: it is not compressed", name);
}

static bool compress(const struct instance *instance, const struct merpati_settings *settings, const char *name,
                     struct failure *why)
{
    static const struct process_fd fds[] = { { STDERR_FILENO, STDERR_FILENO } };
    struct strlist words = main_cf_words(settings->compressor, instance->arena);
    char **arguments = arena_new_array(instance->arena, words.count + 2, char *);
    const struct process_start start = { .path = words.count > 0 ? arena_c(instance->arena, words.items[0]) : "",
                                         .arguments = arguments,
                                         .fds = fds,
                                         .fd_count = ARRAY_COUNT(fds) };
    char text[60];
    pid_t pid;
    int status;

    for (size_t i = 0; i < words.count; i++)
        arguments[i] = arena_c(instance->arena, words.items[i]);
    arguments[words.count] = arena_c(instance->arena, str_from_c(name));
    if (!process_start(&start, &pid, why) || !process_wait(pid, &status, why))
        return false;
    process_status_text(status, text, sizeof text);
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           failure_set(why, FAILURE_PERMANENT, 0, "maillog_file_compressor = %.*s: %s: %s",
                       STR_ARG(settings->compressor), name, text);
}

/* Without a master nobody writes it. A configuration that is refused leaves the log as it was. */
static bool begin_new_file(const struct instance *instance, const char *path, const char *name, struct failure *why)
{
    pid_t pid;

    if (!instance_find_master(instance, &pid, why))
        return false;
    if (pid != 0 && !control_may_reload(instance))
        return failure_set(why, FAILURE_CONFIGURATION, 0, "the log is not rotated");
    return file_rename_new_at(AT_FDCWD, path, AT_FDCWD, name, why) &&
           (pid == 0 || control_refresh(instance) || failure_set(why, FAILURE_RETRY, 0, "%s is not compressed", name));
}

static bool is_file(struct str path, struct failure *why)
{
    if (path.len == 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "maillog_file is empty: the log goes to syslog, whose own tools rotate it");
    return !str_starts_with(path, STR("/dev/")) ||
           failure_set(why, FAILURE_CONFIGURATION, 0, "maillog_file = %.*s is no file that can be rotated",
                       STR_ARG(path));
}

int log_rotate(const struct instance *instance)
{
    const char *path = arena_c(instance->arena, instance->shared->maillog_file);
    const char *name;
    struct failure why;
    void *settings;

    if (is_file(instance->shared->maillog_file, &why) &&
        settings_load(&merpati_settings_table, instance->main_cf, STR("merpati"), instance->arena, &settings, &why) &&
        new_name(instance, settings, &name, &why) && begin_new_file(instance, path, name, &why) &&
        wait_for_writers(name, &why) && compress(instance, settings, name, &why))
        return 0;
    log_fatal("%s", why.text);
    return 1;
}
