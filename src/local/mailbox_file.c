/* SPDX-License-Identifier: Apache-2.0 */
#include "local/mailbox_file.h"

#include "local/message_copy.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/privilege.h"
#include "run/fiber.h"

#include <errno.h>
#include <fcntl.h>

enum { MAILBOX_MODE = 0600, FIRST_PAUSE_US = 5000 };

/* One append, from the lock to the answer. */
struct append {
    const struct scene *scene;
    const struct mailbox_file *mailbox;
    const char *path;
    const char *directory;
    struct rights rights;     /* of the file's opening, writing */
    struct rights dot_rights; /* of the lock beside it */
    bool is_made_as_root;     /* neither recipient nor group may make files there: root makes it and gives it away */
    bool has_dot_lock;
    bool is_created;
    int fd;
    struct stat status;
};

static const char *directory_of(struct arena *arena, struct str path)
{
    size_t slash = str_find_last_char(path, '/');

    return slash == STR_NOT_FOUND ? "." : arena_c(arena, str_part(path, 0, slash == 0 ? 1 : slash));
}

/*
 * Below the spool directory the recipient alone can seldom make files. Where its group may (Debian's root:mail 2775)
 * the recipient acts with that group; where all may, alone; where neither may, root makes lock and file.
 */
static bool choose_rights(struct append *append, struct failure *why)
{
    struct stat directory;

    append->rights = append->dot_rights = append->scene->rights;
    if (!append->mailbox->is_in_spool || !privilege_is_root())
        return true;
    if (!file_stat(append->directory, &directory, why))
        return false;
    if ((directory.st_mode & S_IWGRP) != 0) {
        append->rights.gid = append->dot_rights.gid = directory.st_gid;
    } else if ((directory.st_mode & S_IWOTH) == 0 && directory.st_uid != append->rights.uid) {
        append->is_made_as_root = true;
        append->dot_rights = (struct rights){ 0, 0 };
    }
    return true;
}

static bool uses_lock(const struct append *append, const char *style)
{
    return local_list_has(&append->scene->attempt->local->settings->mailbox_delivery_lock, style);
}

static bool try_dot_lock(struct append *append, struct failure *why)
{
    const struct local_settings *settings = append->scene->attempt->local->settings;

    if (!rights_take(&append->dot_rights, why))
        return false;
    /* The second try is for a stale one that the first took away. */
    append->has_dot_lock = lock_dot_acquire(append->path, 2, milliseconds(1), settings->stale_lock_time, why);
    rights_return(&append->dot_rights);
    return append->has_dot_lock;
}

static void release_dot_lock(struct append *append)
{
    struct failure ignored;

    if (!append->has_dot_lock || !rights_take(&append->dot_rights, &ignored))
        return;
    lock_dot_release(append->path);
    rights_return(&append->dot_rights);
    append->has_dot_lock = false;
}

/*
 * The patience for a lock is deliver_lock_attempts times deliver_lock_delay, as ever, but most locks are held for
 * milliseconds: the first tries come quickly, each after twice the time of the one before, up to that delay.
 */
struct patience {
    struct duration pause;
    struct duration waited;
};

/* False when it has come to its end. */
static bool wait_for_lock(const struct append *append, struct patience *patience)
{
    const struct local *local = append->scene->attempt->local;
    struct duration delay = local->settings->deliver_lock_delay;

    if (patience->waited.us >= delay.us * (local->settings->deliver_lock_attempts - 1))
        return false;
    patience->pause.us = patience->pause.us == 0 ? FIRST_PAUSE_US : 2 * patience->pause.us;
    if (patience->pause.us > delay.us)
        patience->pause = delay;
    patience->waited.us += patience->pause.us;
    fiber_sleep(local->loop, patience->pause);
    return true;
}

static bool take_dot_lock(struct append *append, struct failure *why)
{
    struct patience patience = { 0 };

    if (!uses_lock(append, "dotlock"))
        return true;
    do {
        if (try_dot_lock(append, why))
            return true;
    } while (why->error == EEXIST && wait_for_lock(append, &patience));
    /* A file may be writable in a directory that is not; then the other lock must do. */
    if ((why->error == EACCES || why->error == EPERM || why->error == EROFS) &&
        (!append->mailbox->is_in_spool || !privilege_is_root()) &&
        (uses_lock(append, "fcntl") || uses_lock(append, "flock")))
        return true;
    return failure_prefix(why, "unable to create lock file %s.lock", append->path);
}

static bool create_file(struct append *append, struct failure *why)
{
    struct rights maker = append->is_made_as_root ? append->dot_rights : append->rights;
    struct failure ignored;
    bool is_made;

    if (!rights_take(&maker, why))
        return false;
    is_made =
        file_open(append->path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, MAILBOX_MODE, &append->fd, why);
    rights_return(&maker);
    if (!is_made)
        return false;
    append->is_created = true;
    if (append->is_made_as_root &&
        !file_set_owner(append->fd, append->path, append->scene->rights.uid, append->scene->rights.gid, why)) {
        (void) !file_unlink(append->path, &ignored);
        return false;
    }
    return true;
}

static bool open_file(struct append *append, struct failure *why)
{
    /* In the spool a link is never ours; elsewhere the recipient's own rights bound where it can lead. */
    int no_link = append->mailbox->is_in_spool ? O_NOFOLLOW : 0;
    bool is_open;

    if (!rights_take(&append->rights, why))
        return false;
    is_open = file_open(append->path, O_WRONLY | O_APPEND | O_NONBLOCK | no_link, 0, &append->fd, why);
    rights_return(&append->rights);
    if (!is_open && why->error == ENOENT)
        is_open = create_file(append, why);
    return is_open && file_stat_fd(append->fd, append->path, &append->status, why);
}

/* Nothing but a plain file of the recipient's own is a mailbox; a named file may be a device too. */
static bool check_file(const struct append *append, struct failure *why)
{
    const struct scene *scene = append->scene;

    if (!S_ISREG(append->status.st_mode)) {
        if (append->mailbox->is_user_named && (S_ISCHR(append->status.st_mode) || S_ISFIFO(append->status.st_mode)))
            return true;
        return failure_set(why, FAILURE_PERMANENT, 0, "destination %s is not a regular file", append->path);
    }
    if (append->status.st_nlink > 1)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "destination %s has %lu links", append->path,
                           (unsigned long) append->status.st_nlink);
    if (!append->mailbox->is_user_named && scene->attempt->local->settings->strict_mailbox_ownership &&
        append->status.st_uid != scene->rights.uid) {
        log_warning("specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch");
        return failure_set(why, FAILURE_CONFIGURATION, 0, "destination %s is not owned by recipient", append->path);
    }
    return true;
}

static bool lock_file(struct append *append, enum lock_style style, struct failure *why)
{
    struct patience patience = { 0 };

    do {
        if (lock_try(append->fd, append->path, style, LOCK_EXCLUSIVE, why))
            return true;
    } while (wait_for_lock(append, &patience));
    return failure_set(why, FAILURE_RETRY, EAGAIN, "unable to lock for exclusive access");
}

static bool lock(struct append *append, struct failure *why)
{
    return (!uses_lock(append, "fcntl") || lock_file(append, LOCK_STYLE_DESCRIPTION, why)) &&
           (!uses_lock(append, "flock") || lock_file(append, LOCK_STYLE_FLOCK, why));
}

static bool write_message(struct append *append, struct failure *why)
{
    const struct scene *scene = append->scene;
    const struct local_settings *settings = scene->attempt->local->settings;
    unsigned form = MESSAGE_FROM_LINE | MESSAGE_QUOTED_FROM | MESSAGE_BLANK_AT_END;
    bool is_regular = S_ISREG(append->status.st_mode);
    struct failure ignored;
    struct str head;

    if (!append->mailbox->is_user_named || local_list_has(&settings->prepend_delivered_header, "file"))
        form |= MESSAGE_DELIVERED_TO;
    head = message_head(scene, form);
    /* Under the lock, so that it is the size that the message will follow. */
    if (is_regular && !file_stat_fd(append->fd, append->path, &append->status, why))
        return false;
    if (is_regular && settings->mailbox_size_limit > 0 &&
        (uint64_t) append->status.st_size + message_copy_size(scene, head, form) >
            (uint64_t) settings->mailbox_size_limit)
        return failure_set(why, FAILURE_PERMANENT, EFBIG, "error writing message");
    if (!message_copy(scene, &append->rights, head, form, append->fd, append->path, why) ||
        (is_regular && !file_sync(append->fd, append->path, why))) {
        if (is_regular)
            (void) !file_truncate(append->fd, append->path, (uint64_t) append->status.st_size, &ignored);
        return false;
    }
    return !append->is_created || file_sync_directory(append->directory, why);
}

static struct result failed(const struct append *append, const struct failure *why)
{
    const struct scene *scene = append->scene;
    bool is_full = why->error == EFBIG || why->error == EDQUOT;
    bool is_final = why->kind == FAILURE_PERMANENT;
    struct dsn_status dsn = is_full ? DSN_STATUS(5, 2, 2) : is_final ? DSN_STATUS(5, 2, 0) : DSN_STATUS(4, 2, 0);

    if (append->mailbox->is_user_named)
        return result_make(scene->attempt, dsn, "cannot append message to file %s: %s", append->path, why->text);
    return result_make(scene->attempt, dsn, "cannot update mailbox %s for user %.*s. %s", append->path,
                       STR_ARG(scene->account->name), why->text);
}

static struct result deliver(struct append *append)
{
    struct failure why;

    if (!choose_rights(append, &why) || !take_dot_lock(append, &why) || !open_file(append, &why) ||
        !check_file(append, &why))
        return failed(append, &why);
    if ((S_ISREG(append->status.st_mode) && !lock(append, &why)) || !write_message(append, &why))
        return failed(append, &why);
    if (append->mailbox->is_user_named)
        return result_make(append->scene->attempt, DSN_STATUS(2, 0, 0), "delivered to file: %s", append->path);
    return result_make(append->scene->attempt, DSN_STATUS(2, 0, 0), "delivered to mailbox");
}

struct result mailbox_file_deliver(const struct scene *scene, const struct mailbox_file *mailbox)
{
    struct arena *arena = scene->attempt->arena;
    struct append append = { .scene = scene, .mailbox = mailbox, .fd = -1 };
    struct result result;

    append.path = arena_c(arena, mailbox->path);
    append.directory = directory_of(arena, mailbox->path);
    result = deliver(&append);
    fd_close(&append.fd);
    release_dot_lock(&append);
    return result;
}
