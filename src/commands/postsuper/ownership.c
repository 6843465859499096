/* SPDX-License-Identifier: Apache-2.0 */
#include "postsuper/ownership.h"

#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "postsuper/log_lines.h"
#include "spool/spool.h"

#include <fcntl.h>
#include <string.h>

enum { FILE_MODE = 0600, MAGIC_SIZE = 4 };

struct owner {
    uid_t uid;
    gid_t gid;
};

static bool is_right(const struct owner *owner, const struct stat *status)
{
    return status->st_uid == owner->uid && (status->st_mode & FILE_MODE) == FILE_MODE;
}

static bool is_queue_file(int fd, const char *path, struct failure *why)
{
    char magic[MAGIC_SIZE];
    struct stat status;
    size_t count;

    return file_stat_fd(fd, path, &status, why) && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
           file_read_at(fd, path, magic, sizeof magic, 0, &count, why) && count == sizeof magic &&
           memcmp(magic, "MPQF", sizeof magic) == 0;
}

static bool mend_file(void *context, const struct spool_entry *entry)
{
    const struct owner *owner = context;
    CLEANUP(fd_close) int fd = -1;
    struct failure why = { 0 };
    struct stat status;

    if (!file_stat_link(entry->path, &status, &why) || is_right(owner, &status))
        return true;
    if (!file_open(entry->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, &why) ||
        !is_queue_file(fd, entry->path, &why))
        return true;
    if (!file_set_owner(fd, entry->path, owner->uid, owner->gid, &why) ||
        !file_set_mode(fd, entry->path, FILE_MODE, &why))
        log_warning("%s", why.text);
    else
        log_given(entry->path);
    return true;
}

bool ownership_mend(uid_t uid, gid_t gid, struct failure *why)
{
    struct owner owner = { uid, gid };

    for (unsigned queue = 0; queue < SPOOL_CORRUPT; queue++) {
        if (!spool_walk((enum spool_queue) queue, mend_file, &owner, NULL, why))
            return false;
    }
    return true;
}
