/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/instance.h"

#include "config/directory.h"
#include "config/multi_instance.h"
#include "os/environment.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Installed without an answer, there is none yet. Returns false. */
static bool tell_how_to_begin(const struct instance *instance, struct failure *why)
{
    const struct failure told = *why;
    const char *first = arena_printf(instance->arena, "%.*s/main.cf.proto", STR_ARG(instance->directory)).data;

    if (why->error == ENOENT && file_exists(first))
        (void) failure_set(why, told.kind, 0, "%s; begin with \"dpkg-reconfigure merpati\", or with a copy of %s",
                           told.text, first);
    return false;
}

bool instance_load(struct instance *instance, struct arena *arena, const struct instance_options *options,
                   struct failure *trouble, struct failure *why)
{
    *instance = (struct instance){ .options = options, .arena = arena };
    if (!config_directory_find(options->directory, arena, &instance->directory, why))
        return false;
    if (!main_cf_load(instance->directory, arena, &instance->main_cf, why))
        return tell_how_to_begin(instance, why);
    main_cf_set_program(instance->main_cf, STR("merpati"), STR("merpati"));
    if (!shared_settings_load(instance->main_cf, arena, &instance->shared, trouble))
        instance->shared = NULL;
    return true;
}

bool instance_find_manager(const struct instance *instance, struct str *command_out, struct failure *why)
{
    const struct multi_instance_settings *settings;
    void *loaded;

    *command_out = STR_EMPTY;
    if (instance->options->directory.len > 0 || getenv("MAIL_CONFIG") != NULL)
        return true;
    if (!settings_load(&multi_instance_settings_table, instance->main_cf, STR("merpati"), instance->arena, &loaded,
                       why))
        return false;
    settings = loaded;
    if (settings->directories.count > 0)
        *command_out = settings->wrapper;
    return true;
}

bool instance_set_environment(const struct instance *instance, struct failure *why)
{
    const struct {
        const char *name;
        struct str value;
    } variables[] = {
        { "config_directory", instance->directory },
        { "command_directory", instance->shared->command_directory },
        { "daemon_directory", instance->shared->daemon_directory },
    };

    for (size_t i = 0; i < ARRAY_COUNT(variables); i++) {
        if (!environment_set(variables[i].name, arena_c(instance->arena, variables[i].value), why))
            return false;
    }
    return true;
}

bool instance_edit(const struct instance *instance, const struct strlist *assignments, struct failure *why)
{
    static const struct process_fd fds[] = { { STDOUT_FILENO, STDOUT_FILENO }, { STDERR_FILENO, STDERR_FILENO } };
    const char *path = instance_command(instance, "postconf");
    char **arguments = arena_new_array(instance->arena, assignments->count + 5, char *);
    const struct process_start start = {
        .path = path, .arguments = arguments, .fds = fds, .fd_count = ARRAY_COUNT(fds)
    };
    size_t count = 0;
    pid_t pid;
    int status;

    if (assignments->count == 0)
        return true;
    arguments[count++] = arena_c(instance->arena, STR("postconf"));
    arguments[count++] = arena_c(instance->arena, STR("-c"));
    arguments[count++] = arena_c(instance->arena, instance->directory);
    arguments[count++] = arena_c(instance->arena, STR("-e"));
    for (size_t i = 0; i < assignments->count; i++)
        arguments[count++] = arena_c(instance->arena, assignments->items[i]);
    if (!process_start(&start, &pid, why) || !process_wait(pid, &status, why))
        return false;
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           failure_set(why, FAILURE_PERMANENT, 0, "%.*s/main.cf could not be changed", STR_ARG(instance->directory));
}

/* Where this program is; empty if that cannot be told. */
static struct str own_directory(const struct instance *instance)
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    struct str path = str_make(own, len < 0 ? 0 : (size_t) len);
    size_t slash = str_find_last_char(path, '/');

    return slash == STR_NOT_FOUND ? STR_EMPTY : arena_str(instance->arena, str_part(path, 0, slash));
}

const char *instance_command(const struct instance *instance, const char *name)
{
    struct str directory = own_directory(instance);
    const char *path = arena_c(instance->arena, arena_printf(instance->arena, "%.*s/%s", STR_ARG(directory), name));

    if (directory.len > 0 && access(path, X_OK) == 0)
        return path;
    directory = instance->shared == NULL ? STR("/usr/sbin") : instance->shared->command_directory;
    return arena_c(instance->arena, arena_printf(instance->arena, "%.*s/%s", STR_ARG(directory), name));
}

/* In a container master is process 1; to who looks from outside that is another one. */
static bool is_master_process_1(void)
{
    CLEANUP(fd_close) int fd = -1;
    char name[32];
    size_t len = 0;
    struct failure ignored;

    return file_open("/proc/1/comm", O_RDONLY, 0, &fd, &ignored) &&
           file_read(fd, "comm", name, sizeof name, &len, &ignored) &&
           str_equal(str_trim(str_make(name, len)), STR("master"));
}

bool instance_find_master(const struct instance *instance, pid_t *pid_out, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    const char *path = arena_c(instance->arena, arena_printf(instance->arena, "%.*s/pid/master.pid",
                                                             STR_ARG(instance->shared->queue_directory)));
    struct strbuf text;
    uint64_t pid = 0;
    bool is_read;

    if (!file_open(path, O_RDONLY, 0, &fd, why)) {
        *pid_out = 0;
        return why->error == ENOENT;
    }
    if (lock_holder(fd) < 0) {
        *pid_out = 0;
        return true;
    }
    strbuf_init(&text, 100);
    is_read = file_load_fd(fd, path, &text, why) && str_to_uint64(str_trim(strbuf_str(&text)), &pid) &&
              (pid > 1 || (pid == 1 && is_master_process_1()));
    strbuf_done(&text);
    if (!is_read)
        return failure_set(why, FAILURE_RETRY, 0, "%s is locked but names no process", path);
    *pid_out = (pid_t) pid;
    return true;
}

/* spill is a program that only Merpati has. */
static const char *const needed_programs[] = { "master", "spill" };

/* The first that is not in the directory; NULL if all are. */
static const char *missing_program(const struct instance *instance, struct str directory)
{
    for (size_t i = 0; i < ARRAY_COUNT(needed_programs); i++) {
        const char *path =
            arena_c(instance->arena, arena_printf(instance->arena, "%.*s/%s", STR_ARG(directory), needed_programs[i]));

        if (access(path, X_OK) < 0)
            return needed_programs[i];
    }
    return NULL;
}

bool instance_has_programs(const struct instance *instance, struct failure *why)
{
    struct str directory = instance->shared->daemon_directory;
    const char *missing = missing_program(instance, directory);
    struct str beside = own_directory(instance);
    size_t slash = str_find_last_char(beside, '/');

    if (missing == NULL)
        return true;
    /* Not installed: commands in bin/, programs beside it in libexec/. */
    if (slash != STR_NOT_FOUND)
        beside = arena_printf(instance->arena, "%.*s/libexec", STR_ARG(str_part(beside, 0, slash)));
    if (missing_program(instance, beside) == NULL)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "daemon_directory = %.*s has no program %s of Merpati: write daemon_directory = %.*s",
                           STR_ARG(directory), missing, STR_ARG(beside));
    return failure_set(why, FAILURE_CONFIGURATION, 0,
                       "daemon_directory = %.*s has no program %s of Merpati: write where its programs are",
                       STR_ARG(directory), missing);
}
