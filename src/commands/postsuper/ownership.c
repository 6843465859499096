/* SPDX-License-Identifier: Apache-2.0 */
#include "postsuper/ownership.h"

#include "log/log.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "postsuper/log_lines.h"
#include "spool/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MODE = 0600, FOLDER_MODE = 0700, MAGIC_SIZE = 4 };

static const char *const journal_names[] = { "segment-", "ledger-", "writer-", "manager" };

struct owner {
    uid_t uid;
    gid_t gid;
};

static bool is_right(const struct owner *owner, const struct stat *status, mode_t mode)
{
    return status->st_uid == owner->uid && (status->st_mode & mode) == mode;
}

static void give(const struct owner *owner, int fd, const char *path, mode_t mode)
{
    struct failure why;

    if (!file_set_owner(fd, path, owner->uid, owner->gid, &why) || !file_set_mode(fd, path, mode, &why))
        log_warning("%s", why.text);
    else
        log_given(path);
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

    if (!file_stat_link(entry->path, &status, &why) || is_right(owner, &status, FILE_MODE))
        return true;
    if (!file_open(entry->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, &why) ||
        !is_queue_file(fd, entry->path, &why))
        return true;
    give(owner, fd, entry->path, FILE_MODE);
    return true;
}

/* Opened one below the other, so that no link on the way leads elsewhere. */
static bool open_folder(const struct owner *owner, int parent_fd, const char *name, const char *path, int *fd_out,
                        struct failure *why)
{
    struct stat status;

    if (!file_open_at(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, fd_out, why) ||
        !file_stat_fd(*fd_out, path, &status, why))
        return false;
    if (!is_right(owner, &status, FOLDER_MODE))
        give(owner, *fd_out, path, FOLDER_MODE);
    return true;
}

static bool mend_folders(const struct owner *owner, int parent_fd, const char *name, const char *path, unsigned depth,
                         struct failure *why)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    CLEANUP(fd_close) int fd = -1;
    char child[SPOOL_PATH_SIZE];
    const char *entry;
    unsigned char type;

    if (!open_folder(owner, parent_fd, name, path, &fd, why) || !directory_open(fd, ".", &directory, why))
        return false;
    while (depth < QUEUE_ID_HASH_DIGITS && directory_next(directory, &entry, &type)) {
        if (type != DT_DIR || !spool_is_hash_folder(entry))
            continue;
        snprintf(child, sizeof child, "%.80s/%.2s", path, entry);
        if (!mend_folders(owner, fd, entry, child, depth + 1, why))
            return false;
    }
    return directory_close(&directory, why);
}

static bool is_journal_name(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(journal_names); i++) {
        if (strncmp(name, journal_names[i], strlen(journal_names[i])) == 0)
            return true;
    }
    return false;
}

static void mend_journal_file(const struct owner *owner, int journal_fd, const char *name)
{
    CLEANUP(fd_close) int fd = -1;
    char path[SPOOL_PATH_SIZE];
    struct failure ignored;
    struct stat status;

    snprintf(path, sizeof path, "journal/%.40s", name);
    if (file_open_at(journal_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &fd, &ignored) &&
        file_stat_fd(fd, path, &status, &ignored) && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
        !is_right(owner, &status, FILE_MODE))
        give(owner, fd, path, FILE_MODE);
}

static bool mend_journal(const struct owner *owner, struct failure *why)
{
    CLEANUP(directory_discard) struct directory *directory = NULL;
    CLEANUP(fd_close) int fd = -1;
    const char *entry;
    unsigned char type;

    if (!open_folder(owner, AT_FDCWD, "journal", "journal", &fd, why))
        return why->error == ENOENT;
    if (!directory_open(fd, ".", &directory, why))
        return false;
    while (directory_next(directory, &entry, &type)) {
        if (is_journal_name(entry))
            mend_journal_file(owner, fd, entry);
    }
    return directory_close(&directory, why);
}

bool ownership_mend(uid_t uid, gid_t gid, struct failure *why)
{
    struct owner owner = { uid, gid };

    for (unsigned queue = 0; queue <= SPOOL_CORRUPT; queue++) {
        const char *name = spool_queue_name((enum spool_queue) queue);

        if (!mend_folders(&owner, AT_FDCWD, name, name, 0, why)) {
            if (why->error != ENOENT)
                return false;
        } else if (queue < SPOOL_CORRUPT && !spool_walk((enum spool_queue) queue, mend_file, &owner, NULL, why)) {
            return false;
        }
    }
    return mend_journal(&owner, why);
}
