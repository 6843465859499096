/* SPDX-License-Identifier: Apache-2.0 */
#include "os/directory.h"

#include "base/memory.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

struct directory {
    DIR *stream;
    int error;
    uint64_t inode; /* of the last name */
    char *path;
};

bool directory_open_fd(int directory_fd, const char *path, int *fd_out, struct failure *why)
{
    return file_open_at(directory_fd, path, O_RDONLY | O_DIRECTORY, 0, fd_out, why);
}

bool directory_create_at(int directory_fd, const char *path, mode_t mode, struct failure *why)
{
    struct fault_event event = { .operation = FAULT_CREATE, .fd = -1, .path = path, .offset = UINT64_MAX };
    int error = fault_point(&event);

    if (error == 0 && mkdirat(directory_fd, path, mode) < 0)
        error = errno;
    fault_done(&event, error);
    if (error == EEXIST)
        return true;
    if (error == 0 && fchmodat(directory_fd, path, mode, 0) < 0)
        error = errno;
    return error == 0 || failure_system(why, error, "make directory %s", path);
}

bool directory_create_path(const char *path, mode_t mode, struct failure *why)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part)
        return failure_system(why, ENAMETOOLONG, "make directory %s", path);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (!file_exists(part) && !directory_create_at(AT_FDCWD, part, mode, why))
            return false;
    }
    return true;
}

static bool put_right(int fd, const char *path, mode_t mode, uid_t uid, gid_t gid, struct failure *why)
{
    struct stat now;

    if (!file_stat_fd(fd, path, &now, why))
        return false;
    if (uid == (uid_t) -1)
        uid = now.st_uid;
    if (gid == (gid_t) -1)
        gid = now.st_gid;
    if ((now.st_uid != uid || now.st_gid != gid) && !file_set_owner(fd, path, uid, gid, why))
        return false;
    /* chown takes set-gid bits away, so the mode comes last. */
    return (now.st_mode & 07777) == mode || file_set_mode(fd, path, mode, why);
}

bool directory_ensure(const char *path, mode_t mode, uid_t uid, gid_t gid, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    return directory_create_at(AT_FDCWD, path, mode, why) &&
           file_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, &fd, why) &&
           put_right(fd, path, mode, uid, gid, why);
}

bool directory_remove_at(int directory_fd, const char *path, struct failure *why)
{
    if (unlinkat(directory_fd, path, AT_REMOVEDIR) < 0)
        return failure_system(why, errno, "remove directory %s", path);
    return true;
}

bool directory_is_mount(const char *path)
{
    struct statx status;

    return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, 0, &status) == 0 &&
           (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

bool directory_open(int directory_fd, const char *path, struct directory **directory_out, struct failure *why)
{
    struct directory *directory;
    DIR *stream;
    int fd;

    if (!directory_open_fd(directory_fd, path, &fd, why))
        return false;
    stream = fdopendir(fd);
    if (stream == NULL) {
        int error = errno;

        fd_close(&fd);
        return failure_system(why, error, "read directory %s", path);
    }
    directory = memory_alloc(sizeof *directory);
    directory->stream = stream;
    directory->path = memory_alloc(strlen(path) + 1);
    memcpy(directory->path, path, strlen(path));
    *directory_out = directory;
    return true;
}

int directory_fd(const struct directory *directory)
{
    return dirfd(directory->stream);
}

bool directory_next(struct directory *directory, const char **name_out, unsigned char *type_out)
{
    for (;;) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(directory->stream);
        if (entry == NULL) {
            if (errno != 0)
                directory->error = errno;
            return false;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        *name_out = entry->d_name;
        *type_out = entry->d_type;
        directory->inode = entry->d_ino;
        return true;
    }
}

uint64_t directory_inode(const struct directory *directory)
{
    return directory->inode;
}

bool directory_close(struct directory **directory, struct failure *why)
{
    struct directory *closed = *directory;
    int error;

    if (closed == NULL)
        return true;
    *directory = NULL;
    error = closed->error;
    if (error != 0)
        failure_system(why, error, "read directory %s", closed->path);
    closedir(closed->stream);
    memory_free(closed->path);
    memory_free(closed);
    return error == 0;
}

void directory_discard(struct directory **directory)
{
    struct failure ignored;

    (void) directory_close(directory, &ignored);
}
