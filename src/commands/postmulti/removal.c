/* SPDX-License-Identifier: Apache-2.0 */
#include "postmulti/removal.h"

#include "config/layout.h"
#include "log/log.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/process.h"
#include "postmulti/programs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEPTH_MAX = 8 }; /* of the folders of a queue */

static const char *path_in(struct arena *arena, struct str directory, const char *name)
{
    return arena_c(arena, arena_printf(arena, "%.*s/%s", STR_ARG(directory), name));
}

static bool is_stopped(const struct member *member, struct arena *arena, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    if (!file_open(path_in(arena, member->shared->queue_directory, "pid/master.pid"), O_RDONLY, 0, &fd, why))
        return why->error == ENOENT;
    return lock_holder(fd) < 0 ||
           failure_set(why, FAILURE_RETRY, 0, "%.*s is running: stop it first", STR_ARG(member->directory));
}

/* postqueue reads all queues, the journal too, when nothing runs. */
static bool lists_nothing(const struct family *family, const struct member *member, struct failure *why)
{
    CLEANUP(fd_close) int fd = memfd_create("queue", MFD_CLOEXEC);
    const struct process_fd fds[] = { { fd, STDOUT_FILENO } };
    char *const words[] = { programs_path(&family->members[0], family->arena, "postqueue"),
                            arena_c(family->arena, STR("-c")), arena_c(family->arena, member->directory),
                            arena_c(family->arena, STR("-j")), NULL };
    const struct process_start start = {
        .path = words[0], .arguments = words, .fds = fds, .fd_count = ARRAY_COUNT(fds)
    };
    struct stat status;
    pid_t pid;
    int ended;

    if (fd < 0)
        return failure_system(why, errno, "memory for the list of the queue");
    if (!process_start(&start, &pid, why) || !process_wait(pid, &ended, why) ||
        !file_stat_fd(fd, "the list of the queue", &status, why))
        return false;
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0)
        return failure_set(why, FAILURE_RETRY, 0, "%.*s: whether its queue is empty cannot be told",
                           STR_ARG(member->directory));
    return status.st_size == 0 || failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: its queue is not empty",
                                              STR_ARG(member->shared->queue_directory));
}

static bool is_empty(const char *path, struct failure *why)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    const char *name;
    unsigned char type;

    if (!directory_open(AT_FDCWD, path, &directory, why))
        return why->error == ENOENT;
    return !directory_next(directory, &name, &type) ||
           failure_set(why, FAILURE_CONFIGURATION, 0, "%s is not empty", path);
}

bool removal_is_allowed(const struct family *family, const struct member *member, struct failure *why)
{
    struct str queue = member->shared->queue_directory;

    if (!is_stopped(member, family->arena, why) || !is_empty(path_in(family->arena, queue, "corrupt"), why))
        return false;
    return !file_exists(path_in(family->arena, queue, "pid/master.pid")) || lists_nothing(family, member, why);
}

/* Everything in it; a link goes, what it leads to stays. */
static bool remove_content(int parent_fd, const char *path, unsigned depth, struct failure *why)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    const char *name;
    unsigned char type;

    if (!directory_open(parent_fd, path, &directory, why))
        return why->error == ENOENT;
    while (directory_next(directory, &name, &type)) {
        if (type != DT_DIR) {
            if (!file_unlink_at(directory_fd(directory), name, why))
                return false;
        } else if (depth == 0 || !remove_content(directory_fd(directory), name, depth - 1, why) ||
                   !directory_remove_at(directory_fd(directory), name, why)) {
            return depth > 0 ? false : failure_set(why, FAILURE_PERMANENT, 0, "%s: too deep", name);
        }
    }
    return directory_close(&directory, why);
}

static void remove_if_empty(struct str directory, struct arena *arena)
{
    struct failure why;

    if (!directory_remove_at(AT_FDCWD, arena_c(arena, directory), &why) && why.error != ENOENT)
        log_warning("%.*s stays: %s", STR_ARG(directory),
                    why.error == ENOTEMPTY || why.error == EEXIST ? "others have files in it" : why.text);
}

static bool remove_queue(const struct member *member, struct arena *arena, struct failure *why)
{
    for (const struct layout_directory *row = layout_directories; row->name != NULL; row++) {
        const char *path = path_in(arena, member->shared->queue_directory, row->name);

        if (!remove_content(AT_FDCWD, path, DEPTH_MAX, why) ||
            (!directory_remove_at(AT_FDCWD, path, why) && why->error != ENOENT))
            return false;
    }
    return true;
}

/* Its files alone: it has no folders of ours. */
static bool remove_data(const struct member *member, struct arena *arena, struct failure *why)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    const char *name;
    unsigned char type;

    if (!directory_open(AT_FDCWD, arena_c(arena, member->shared->data_directory), &directory, why))
        return why->error == ENOENT;
    while (directory_next(directory, &name, &type)) {
        if (type == DT_REG && !file_unlink_at(directory_fd(directory), name, why))
            return false;
    }
    return directory_close(&directory, why);
}

bool removal_run(const struct member *member, struct arena *arena, struct failure *why)
{
    static const char *const files[] = { "main.cf", "master.cf" };

    if (!remove_queue(member, arena, why) || !remove_data(member, arena, why))
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        if (!file_unlink(path_in(arena, member->directory, files[i]), why) && why->error != ENOENT)
            return false;
    }
    remove_if_empty(member->shared->queue_directory, arena);
    remove_if_empty(member->shared->data_directory, arena);
    remove_if_empty(member->directory, arena);
    return true;
}
