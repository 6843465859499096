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

const char *instance_command(const struct instance *instance, const char *name)
{
    char own[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    struct str directory = str_make(own, len < 0 ? 0 : (size_t) len);
    size_t slash = str_find_last_char(directory, '/');
    const char *path;

    if (slash != STR_NOT_FOUND) {
        path = arena_c(instance->arena,
                       arena_printf(instance->arena, "%.*s/%s", STR_ARG(str_part(directory, 0, slash)), name));
        if (access(path, X_OK) == 0)
            return path;
    }
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
