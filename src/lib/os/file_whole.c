/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: loading, and replacing so that old or new is there. */
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

enum { LOAD_STEP = 65536 };

bool file_load(const char *path, struct strbuf *text, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    return file_open(path, O_RDONLY, 0, &fd, why) && file_load_fd(fd, path, text, why);
}

/* Reads straight into text, since a fiber's stack has no room for a block. */
bool file_load_fd(int fd, const char *name, struct strbuf *text, struct failure *why)
{
    size_t count;

    do {
        size_t room = text->maximum - text->len;
        size_t step = room < LOAD_STEP ? room : LOAD_STEP;
        char one;

        if (step == 0) {
            if (!file_read(fd, name, &one, 1, &count, why))
                return false;
            return count == 0 || failure_set(why, FAILURE_PERMANENT, EFBIG, "read %s", name);
        }
        if (!file_read(fd, name, strbuf_reserve(text, step), step, &count, why))
            return false;
        strbuf_extend(text, count);
    } while (count > 0);
    return true;
}

/* The directory part of path, "." if there is none. */
static void parent_of(const char *path, char *parent, size_t size)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        snprintf(parent, size, ".");
    else if (slash == path)
        snprintf(parent, size, "/");
    else
        snprintf(parent, size, "%.*s", (int) (slash - path), path);
}

static bool keep_owner_and_mode(int fd, const char *path, mode_t mode, struct failure *why)
{
    struct stat old;

    if (stat(path, &old) < 0)
        return file_set_mode(fd, path, mode, why);
    if (geteuid() == 0 && !file_set_owner(fd, path, old.st_uid, old.st_gid, why))
        return false;
    return file_set_mode(fd, path, old.st_mode & 07777, why);
}

static bool write_beside(const char *path, const char *temporary, struct str text, mode_t mode, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    return file_open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600, &fd, why) &&
           keep_owner_and_mode(fd, path, mode, why) && file_write(fd, temporary, text, why) &&
           file_sync(fd, temporary, why);
}

bool file_replace(const char *path, struct str text, mode_t mode, struct failure *why)
{
    char temporary[PATH_MAX], parent[PATH_MAX];

    if (snprintf(temporary, sizeof temporary, "%s.tmp.%d", path, (int) getpid()) >= (int) sizeof temporary)
        return failure_system(why, ENAMETOOLONG, "replace %s", path);
    parent_of(path, parent, sizeof parent);
    (void) unlink(temporary);
    if (!write_beside(path, temporary, text, mode, why) || !file_rename(temporary, path, why)) {
        (void) unlink(temporary);
        return false;
    }
    return file_sync_directory(parent, why);
}
