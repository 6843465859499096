/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/maildir.h"

#include "mailbox/group_sync.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { DIRECTORY_MODE = 0700, MESSAGE_MODE = 0600 };

struct maildir {
    struct mailboxes *mailboxes;
    const struct message_envelope *envelope;
    struct arena *arena;
    struct str path;
    struct rights rights;
    struct message_file file; /* first in tmp, then in new */
};

static const char *name_in(struct maildir *maildir, const char *folder, struct str name)
{
    return arena_printf(maildir->arena, "%.*s%s/%.*s", STR_ARG(maildir->path), folder, STR_ARG(name)).data;
}

/* Below a spool directory that only root may write, root makes the maildir and gives it away. */
static bool make_as_root(struct maildir *maildir, struct failure *why)
{
    const char *path = arena_c(maildir->arena, str_part(maildir->path, 0, maildir->path.len - 1));
    struct stat status;
    int fd = -1;
    bool is_made;

    if (file_stat_link(path, &status, why))
        return true;
    if (why->error != ENOENT)
        return false;
    is_made = directory_create_at(AT_FDCWD, path, DIRECTORY_MODE, why) && directory_open_fd(AT_FDCWD, path, &fd, why) &&
              file_set_owner(fd, path, maildir->rights.uid, maildir->rights.gid, why);
    fd_close(&fd);
    return is_made;
}

static bool make_directories(struct maildir *maildir, struct failure *why)
{
    static const char *const folders[] = { "tmp", "cur", "new" };
    const char *path = arena_c(maildir->arena, str_part(maildir->path, 0, maildir->path.len - 1));

    /* Mostly all but the last is there. */
    if (!directory_create_at(AT_FDCWD, path, DIRECTORY_MODE, why) &&
        (why->error != ENOENT || !directory_create_path(path, DIRECTORY_MODE, why)))
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        path = arena_printf(maildir->arena, "%.*s%s", STR_ARG(maildir->path), folders[i]).data;
        if (!directory_create_at(AT_FDCWD, path, DIRECTORY_MODE, why))
            return false;
    }
    return true;
}

static bool create_file(struct message_file *file, struct failure *why)
{
    struct maildir *maildir = CONTAINER_OF(file, struct maildir, file);
    int flags = O_WRONLY | O_CREAT | O_EXCL;

    if (file_open(file->name, flags, MESSAGE_MODE, &file->fd, why) ||
        (why->error == ENOENT && make_directories(maildir, why) &&
         file_open(file->name, flags, MESSAGE_MODE, &file->fd, why)))
        return true;
    return why->error == 0 ? failure_prefix(why, "create maildir file %s", file->name)
                           : failure_set(why, why->kind, why->error, "create maildir file %s", file->name);
}

/* The name is of the time, the host, and the file's own number, so that no two are alike. */
static bool choose_final_name(struct maildir *maildir, const char **name_out, struct failure *why)
{
    struct str host = maildir->mailboxes->rules.host;
    struct instant now = clock_now();
    struct stat status;
    struct str name;

    if (!file_stat_fd(maildir->file.fd, maildir->file.name, &status, why))
        return false;
    name = arena_printf(maildir->arena, "%lld.V%lxI%lxM%lld.%.*s", (long long) instant_seconds(now),
                        (unsigned long) status.st_dev, (unsigned long) status.st_ino, (long long) (now.us % 1000000),
                        STR_ARG(host));
    *name_out = name_in(maildir, "new", name);
    return true;
}

/* A file in new is whole, so its data is ahead of that name on the disk; then both are made durable. */
static bool move_to_new(struct maildir *maildir, struct failure *why)
{
    struct group_sync *syncs = maildir->mailboxes->syncs;
    const char *folder = arena_printf(maildir->arena, "%.*snew", STR_ARG(maildir->path)).data;
    struct named_file named = { .fd = maildir->file.fd, .directory_fd = -1, .directory = folder };
    bool is_moved;

    if (!choose_final_name(maildir, &named.name, why) ||
        !group_sync_data(syncs, maildir->file.fd, maildir->file.name, why) || !rights_take(&maildir->rights, why))
        return false;
    is_moved = file_rename(maildir->file.name, named.name, why);
    if (is_moved)
        maildir->file.name = named.name;
    is_moved = is_moved && directory_open_fd(AT_FDCWD, folder, &named.directory_fd, why);
    rights_return(&maildir->rights);
    is_moved = is_moved && group_sync_named(syncs, &named, why);
    fd_close(&named.directory_fd);
    return is_moved;
}

static void remove_file(struct maildir *maildir)
{
    struct failure ignored;

    if (!rights_take(&maildir->rights, &ignored))
        return;
    (void) !file_unlink(maildir->file.name, &ignored);
    rights_return(&maildir->rights);
}

static bool write_message(struct maildir *maildir, bool is_in_spool, unsigned form, struct failure *why)
{
    int64_t limit = maildir->mailboxes->rules.size_limit;
    struct str head = message_head(maildir->envelope, form);

    if (limit > 0 && message_copy_size(maildir->envelope, head, form) > (uint64_t) limit)
        return failure_set(why, FAILURE_PERMANENT, EFBIG, "error writing message");
    return (!is_in_spool || !privilege_is_root() || make_as_root(maildir, why)) &&
           message_copy(maildir->envelope, &maildir->file, head, form, why);
}

bool maildir_deliver(struct mailboxes *mailboxes, const struct message_envelope *envelope,
                     const struct mailbox_place *place, bool has_delivered_to, struct failure *why)
{
    struct maildir maildir = { .mailboxes = mailboxes,
                               .envelope = envelope,
                               .arena = envelope->arena,
                               .path = place->path,
                               .rights = place->owner };
    unsigned form = has_delivered_to ? MESSAGE_DELIVERED_TO : 0;
    struct instant now = clock_now();
    bool is_done;

    maildir.file = (struct message_file){ .rights = &maildir.rights, .fd = -1, .open = create_file };
    maildir.file.name =
        name_in(&maildir, "tmp",
                arena_printf(maildir.arena, "%lld.P%dQ%uM%lld.%.*s", (long long) instant_seconds(now), (int) getpid(),
                             mailboxes->copies++, (long long) (now.us % 1000000), STR_ARG(mailboxes->rules.host)));
    is_done = write_message(&maildir, place->is_in_spool, form, why) && move_to_new(&maildir, why);
    if (!is_done && maildir.file.fd >= 0)
        remove_file(&maildir);
    fd_close(&maildir.file.fd);
    return is_done;
}
