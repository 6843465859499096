/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/maildrop_walk.h"

#include "os/directory.h"
#include "os/fd.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

static bool is_complete(int directory, const char *name)
{
    struct stat status;

    return fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           (status.st_mode & S_IXUSR) != 0;
}

bool maildrop_walk(struct arena *arena,
                   bool (*give)(void *context, struct str name, const struct maildrop_message *message, uint64_t size),
                   void *context, struct failure *why)
{
    struct directory *directory;
    unsigned char type;
    const char *name;
    bool goes_on = true;

    if (!directory_open(AT_FDCWD, "maildrop", &directory, why))
        return false;
    while (goes_on && directory_next(directory, &name, &type)) {
        CLEANUP(fd_close) int fd = -1;
        struct maildrop_message message;
        struct failure ignored;
        uint64_t offset, size;
        char path[300];

        arena_reset(arena);
        (void) snprintf(path, sizeof path, "maildrop/%s", name);
        if (is_complete(directory_fd(directory), name) &&
            maildrop_open(path, arena, &message, &fd, &offset, &size, &ignored))
            goes_on = give(context, str_from_c(name), &message, size);
    }
    if (goes_on)
        return directory_close(&directory, why);
    directory_discard(&directory);
    return true;
}
