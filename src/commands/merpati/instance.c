/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/instance.h"

#include "config/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

bool instance_load(struct instance *instance, struct arena *arena, struct str option, struct failure *trouble,
                   struct failure *why)
{
    *instance = (struct instance){ .arena = arena };
    if (!config_directory_find(option, arena, &instance->directory, why) ||
        !main_cf_load(instance->directory, arena, &instance->main_cf, why))
        return false;
    main_cf_set_program(instance->main_cf, STR("merpati"), STR("merpati"));
    if (!shared_settings_load(instance->main_cf, arena, &instance->shared, trouble))
        instance->shared = NULL;
    return true;
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
    is_read = file_load_fd(fd, path, &text, why) && str_to_uint64(str_trim(strbuf_str(&text)), &pid) && pid > 1;
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
