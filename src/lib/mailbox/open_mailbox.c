/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/open_mailbox.h"

#include "base/check.h"
#include "base/memory.h"
#include "log/log.h"
#include "mailbox/group_sync.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lock.h"
#include "os/privilege.h"
#include "run/fiber.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    MAILBOX_MODE = 0600,
    FIRST_PAUSE_US = 5000,
    PAUSE_MAX_US = 50000,
    TURN_US = 1000000, /* how long newcomers may join */
    REST_US = 60000,   /* after it: longer than the pause of another process of ours that waits for the lock */
};

struct open_mailbox {
    struct mailboxes *mailboxes;
    struct arena *arena;
    struct str key; /* in mailboxes->open */
    const char *path;
    const char *directory;
    bool is_in_spool;
    bool is_user_named;
    struct rights owner;      /* whose delivery it is */
    struct rights rights;     /* of the file's opening, writing */
    struct rights dot_rights; /* of the lock beside it */
    bool is_made_as_root;     /* neither recipient nor group may make files there: root makes it and gives it away */
    bool has_dot_lock;
    bool is_created;
    int fd;
    struct stat status;

    size_t users;      /* deliveries that have entered */
    size_t references; /* those and what waits for it to close */
    struct instant opened;
    bool is_open;    /* false: being opened, or it failed */
    bool is_closing; /* nobody enters any more */
    bool is_writing;
    bool is_syncing;
    bool is_broken; /* a sync failed: all that is not durable is cut off */
    uint64_t size;
    uint64_t durable;
    struct failure why; /* it could not be opened, or synced */
    struct event changed;
};

/* ---- to an open and locked file ---- */

static const char *directory_of(struct arena *arena, struct str path)
{
    size_t slash = str_find_last_char(path, '/');

    return slash == STR_NOT_FOUND ? "." : arena_c(arena, str_part(path, 0, slash == 0 ? 1 : slash));
}

/*
 * Below the spool directory the recipient alone can seldom make files. Where its group may (Debian's root:mail 2775)
 * the recipient acts with that group; where all may, alone; where neither may, root makes lock and file.
 */
static bool choose_rights(struct open_mailbox *mailbox, struct failure *why)
{
    struct stat directory;

    mailbox->rights = mailbox->dot_rights = mailbox->owner;
    if (!mailbox->is_in_spool || !privilege_is_root())
        return true;
    if (!file_stat(mailbox->directory, &directory, why))
        return false;
    if ((directory.st_mode & S_IWGRP) != 0) {
        mailbox->rights.gid = mailbox->dot_rights.gid = directory.st_gid;
    } else if ((directory.st_mode & S_IWOTH) == 0 && directory.st_uid != mailbox->rights.uid) {
        mailbox->is_made_as_root = true;
        mailbox->dot_rights = (struct rights){ 0, 0 };
    }
    return true;
}

static bool uses_lock(const struct open_mailbox *mailbox, const char *style)
{
    return strlist_contains_nocase(mailbox->mailboxes->rules.locks, str_from_c(style));
}

static bool try_dot_lock(struct open_mailbox *mailbox, struct failure *why)
{
    const struct mailbox_rules *rules = &mailbox->mailboxes->rules;

    if (!rights_take(&mailbox->dot_rights, why))
        return false;
    /* The second try is for a stale one that the first took away. */
    mailbox->has_dot_lock = lock_dot_acquire(mailbox->path, 2, milliseconds(1), rules->stale_lock_time, why);
    rights_return(&mailbox->dot_rights);
    return mailbox->has_dot_lock;
}

static void release_dot_lock(struct open_mailbox *mailbox)
{
    struct failure ignored;

    if (!mailbox->has_dot_lock || !rights_take(&mailbox->dot_rights, &ignored))
        return;
    lock_dot_release(mailbox->path);
    rights_return(&mailbox->dot_rights);
    mailbox->has_dot_lock = false;
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
static bool wait_for_lock(const struct open_mailbox *mailbox, struct patience *patience)
{
    struct duration delay = mailbox->mailboxes->rules.lock_delay;

    if (patience->waited.us >= delay.us * (mailbox->mailboxes->rules.lock_attempts - 1))
        return false;
    patience->pause.us = patience->pause.us == 0 ? FIRST_PAUSE_US : 2 * patience->pause.us;
    if (patience->pause.us > PAUSE_MAX_US)
        patience->pause.us = PAUSE_MAX_US;
    if (patience->pause.us > delay.us)
        patience->pause = delay;
    patience->waited.us += patience->pause.us;
    fiber_sleep(mailbox->mailboxes->loop, patience->pause);
    return true;
}

/* In the words that are known from elsewhere, with the system's reason. */
PRINTF_LIKE(2, 3) static bool say(struct failure *why, const char *format, ...)
{
    char text[sizeof(why->text)];
    va_list args;

    va_start(args, format);
    (void) vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return why->error == 0 ? failure_prefix(why, "%s", text) : failure_set(why, why->kind, why->error, "%s", text);
}

/*
 * A file that somebody named may be writable in a directory that is not, as may a mailbox in the spool for a system of
 * an ordinary user: then the other lock must do.
 */
static bool may_do_without_dot_lock(const struct open_mailbox *mailbox, const struct failure *why)
{
    return (why->error == EACCES || why->error == EPERM || why->error == EROFS) &&
           (mailbox->is_user_named || (mailbox->is_in_spool && !privilege_is_root())) &&
           (uses_lock(mailbox, "fcntl") || uses_lock(mailbox, "flock"));
}

/* /dev/null, say, or a fifo: nobody reads it as a mailbox. */
static bool is_device(const struct open_mailbox *mailbox)
{
    struct failure ignored;
    struct stat status;

    return mailbox->is_user_named && file_stat(mailbox->path, &status, &ignored) && !S_ISREG(status.st_mode);
}

static bool take_dot_lock(struct open_mailbox *mailbox, struct failure *why)
{
    struct patience patience = { 0 };

    if (!uses_lock(mailbox, "dotlock") || is_device(mailbox))
        return true;
    do {
        if (try_dot_lock(mailbox, why))
            return true;
    } while (why->error == EEXIST && wait_for_lock(mailbox, &patience));
    if (!may_do_without_dot_lock(mailbox, why))
        return say(why, "unable to create lock file %s.lock", mailbox->path);
    if (mailbox->is_user_named)
        log_warning("unable to create lock file %s.lock: %s", mailbox->path, strerror(why->error));
    return true;
}

static bool create_file(struct open_mailbox *mailbox, struct failure *why)
{
    struct rights maker = mailbox->is_made_as_root ? mailbox->dot_rights : mailbox->rights;
    struct failure ignored;
    bool is_made;

    if (!rights_take(&maker, why))
        return false;
    is_made =
        file_open(mailbox->path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, MAILBOX_MODE, &mailbox->fd, why);
    rights_return(&maker);
    if (!is_made)
        return say(why, "cannot create file exclusively");
    mailbox->is_created = true;
    if (mailbox->is_made_as_root &&
        !file_set_owner(mailbox->fd, mailbox->path, mailbox->owner.uid, mailbox->owner.gid, why)) {
        (void) !file_unlink(mailbox->path, &ignored);
        return false;
    }
    return true;
}

static bool open_file(struct open_mailbox *mailbox, struct failure *why)
{
    /* No mailbox is reached by a link; where a named file's leads, the rights bound that it is opened with. */
    int no_link = mailbox->is_user_named ? 0 : O_NOFOLLOW;
    bool is_open;

    if (!rights_take(&mailbox->rights, why))
        return false;
    is_open = file_open(mailbox->path, O_WRONLY | O_APPEND | O_NONBLOCK | no_link, 0, &mailbox->fd, why);
    rights_return(&mailbox->rights);
    if (!is_open && why->error == ENOENT)
        is_open = create_file(mailbox, why);
    else if (!is_open && why->error == ELOOP && no_link != 0)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "file is a symbolic link");
    else if (!is_open)
        return say(why, "cannot open file");
    return is_open && file_stat_fd(mailbox->fd, mailbox->path, &mailbox->status, why);
}

/* Nothing but a plain file of the recipient's own is a mailbox; a named file may be a device too. */
static bool check_file(const struct open_mailbox *mailbox, struct failure *why)
{
    if (!S_ISREG(mailbox->status.st_mode)) {
        if (mailbox->is_user_named && (S_ISCHR(mailbox->status.st_mode) || S_ISFIFO(mailbox->status.st_mode)))
            return true;
        return failure_set(why, FAILURE_PERMANENT, 0, "destination %s is not a regular file", mailbox->path);
    }
    if (mailbox->status.st_nlink > 1)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "destination %s has %lu links", mailbox->path,
                           (unsigned long) mailbox->status.st_nlink);
    if (!mailbox->is_user_named && mailbox->mailboxes->rules.is_ownership_strict &&
        mailbox->status.st_uid != mailbox->owner.uid) {
        log_warning("specify \"strict_mailbox_ownership = no\" to ignore mailbox ownership mismatch");
        return failure_set(why, FAILURE_CONFIGURATION, 0, "destination %s is not owned by recipient", mailbox->path);
    }
    return true;
}

static bool lock_file(struct open_mailbox *mailbox, enum lock_style style, struct failure *why)
{
    struct patience patience = { 0 };

    do {
        if (lock_try(mailbox->fd, mailbox->path, style, LOCK_EXCLUSIVE, why))
            return true;
    } while (wait_for_lock(mailbox, &patience));
    return failure_set(why, FAILURE_RETRY, EAGAIN, "unable to lock for exclusive access");
}

static bool lock(struct open_mailbox *mailbox, struct failure *why)
{
    return (!uses_lock(mailbox, "fcntl") || lock_file(mailbox, LOCK_STYLE_DESCRIPTION, why)) &&
           (!uses_lock(mailbox, "flock") || lock_file(mailbox, LOCK_STYLE_FLOCK, why));
}

/* A writer that died, of ours or another, left half a line. What cannot be read is taken to be whole. */
static bool ends_inside_a_line(const struct open_mailbox *mailbox)
{
    CLEANUP(fd_close) int fd = -1;
    struct failure ignored;
    char last = '\n';
    size_t count;
    bool is_open;

    if (mailbox->size == 0 || !rights_take(&mailbox->rights, &ignored))
        return false;
    is_open = file_open(mailbox->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, &fd, &ignored);
    rights_return(&mailbox->rights);
    return is_open && file_read_at(fd, mailbox->path, &last, 1, mailbox->size - 1, &count, &ignored) && count == 1 &&
           last != '\n';
}

/* So that the next message begins on a line, and is not taken for a part of the one before. */
static bool end_line(struct open_mailbox *mailbox, struct failure *why)
{
    if (!ends_inside_a_line(mailbox))
        return true;
    if (!file_write(mailbox->fd, mailbox->path, STR("\n"), why))
        return false;
    mailbox->size++;
    return true;
}

static bool acquire(struct open_mailbox *mailbox, struct failure *why)
{
    if (!choose_rights(mailbox, why) || !take_dot_lock(mailbox, why) || !open_file(mailbox, why) ||
        !check_file(mailbox, why))
        return false;
    if (!S_ISREG(mailbox->status.st_mode))
        return true;
    /* Under the lock, so that it is the size that the first message will follow. */
    if (!lock(mailbox, why) || !file_stat_fd(mailbox->fd, mailbox->path, &mailbox->status, why))
        return false;
    mailbox->size = mailbox->durable = (uint64_t) mailbox->status.st_size;
    return end_line(mailbox, why);
}

static bool is_regular(const struct open_mailbox *mailbox)
{
    return S_ISREG(mailbox->status.st_mode);
}

static void cut_back(struct open_mailbox *mailbox, uint64_t size)
{
    struct failure ignored;

    if (is_regular(mailbox))
        (void) !file_truncate(mailbox->fd, mailbox->path, size, &ignored);
    mailbox->size = size;
}

/* ---- those who share it ---- */

static void wait_for_change(struct open_mailbox *mailbox)
{
    (void) !event_wait(mailbox->mailboxes->loop, &mailbox->changed, DURATION_FOREVER, NULL);
}

static struct open_mailbox *create(struct mailboxes *mailboxes, const struct mailbox_place *place, struct str key)
{
    struct arena *arena = arena_create();
    struct open_mailbox *mailbox = arena_new(arena, struct open_mailbox);

    mailbox->mailboxes = mailboxes;
    mailbox->arena = arena;
    mailbox->key = arena_str(arena, key);
    mailbox->path = arena_c(arena, place->path);
    mailbox->directory = directory_of(arena, place->path);
    mailbox->owner = place->owner;
    mailbox->is_in_spool = place->is_in_spool;
    mailbox->is_user_named = place->is_user_named;
    mailbox->fd = -1;
    mailbox->users = mailbox->references = 1;
    event_init(&mailbox->changed);
    if (mailboxes->open == NULL)
        mailboxes->open = map_create();
    map_set(mailboxes->open, mailbox->key, mailbox);
    return mailbox;
}

static void drop_reference(struct open_mailbox *mailbox)
{
    struct arena *arena = mailbox->arena;

    if (--mailbox->references == 0)
        arena_destroy(&arena);
}

static bool takes_more(struct open_mailbox *mailbox)
{
    if (mailbox->is_open && instant_since(clock_monotonic(), mailbox->opened).us > TURN_US)
        mailbox->is_closing = true;
    return !mailbox->is_closing;
}

/* The one of that key which takes more, or NULL; waits for one that closes. */
static struct open_mailbox *find(struct mailboxes *mailboxes, struct str key)
{
    struct open_mailbox *mailbox;

    while (mailboxes->open != NULL && (mailbox = map_get(mailboxes->open, key)) != NULL) {
        if (takes_more(mailbox))
            return mailbox;
        mailbox->references++;
        wait_for_change(mailbox);
        drop_reference(mailbox);
    }
    return NULL;
}

static struct str key_of(struct arena *arena, const struct mailbox_place *place)
{
    return arena_printf(arena, "%u:%u:%d%d:%.*s", (unsigned) place->owner.uid, (unsigned) place->owner.gid,
                        place->is_in_spool, place->is_user_named, STR_ARG(place->path));
}

bool open_mailbox_enter(struct mailboxes *mailboxes, const struct mailbox_place *place,
                        struct open_mailbox **mailbox_out, struct failure *why)
{
    struct arena *arena = arena_create();
    struct str key = key_of(arena, place);
    struct open_mailbox *mailbox = find(mailboxes, key);

    if (mailbox != NULL) {
        mailbox->users++;
        mailbox->references++;
        while (!mailbox->is_open && !mailbox->is_closing)
            wait_for_change(mailbox);
    } else {
        mailbox = create(mailboxes, place, key);
        mailbox->is_open = acquire(mailbox, &mailbox->why);
        mailbox->is_closing = !mailbox->is_open;
        mailbox->opened = clock_monotonic();
        event_wake_all(&mailbox->changed);
    }
    arena_destroy(&arena);
    if (mailbox->is_open) {
        *mailbox_out = mailbox;
        return true;
    }
    *why = mailbox->why;
    open_mailbox_leave(&mailbox);
    return false;
}

/* The turn is over, and others wait: their turn first, whatever process they are in. */
static void let_others_in(struct open_mailbox *mailbox)
{
    if (mailbox->is_open && !mailbox->is_broken && mailbox->is_closing && mailbox->references > 1)
        fiber_sleep(mailbox->mailboxes->loop, (struct duration){ REST_US });
}

void open_mailbox_leave(struct open_mailbox **entered)
{
    struct open_mailbox *mailbox = *entered;
    struct mailboxes *mailboxes = mailbox->mailboxes;

    *entered = NULL;
    if (--mailbox->users == 0) {
        mailbox->is_closing = mailbox->is_closing || !takes_more(mailbox);
        if (mailbox->is_broken)
            cut_back(mailbox, mailbox->durable);
        fd_close(&mailbox->fd);
        release_dot_lock(mailbox);
        if (mailbox->is_closing)
            let_others_in(mailbox);
        map_remove(mailboxes->open, mailbox->key);
        if (map_count(mailboxes->open) == 0)
            map_destroy(&mailboxes->open);
        event_wake_all(&mailbox->changed);
    }
    drop_reference(mailbox);
}

/* ---- writing ---- */

static bool fail_as_broken(const struct open_mailbox *mailbox, struct failure *why)
{
    *why = mailbox->why;
    return false;
}

bool open_mailbox_begin(struct open_mailbox *mailbox, int *fd_out, uint64_t *size_out, struct failure *why)
{
    while (mailbox->is_writing)
        wait_for_change(mailbox);
    if (mailbox->is_broken)
        return fail_as_broken(mailbox, why);
    mailbox->is_writing = true;
    *fd_out = mailbox->fd;
    *size_out = mailbox->size;
    return true;
}

bool open_mailbox_end(struct open_mailbox *mailbox, bool is_written, struct failure *why)
{
    uint64_t before = mailbox->size;

    CHECK(mailbox->is_writing);
    mailbox->is_writing = false;
    event_wake_all(&mailbox->changed);
    if (mailbox->is_broken) {
        cut_back(mailbox, mailbox->durable);
        return is_written ? fail_as_broken(mailbox, why) : false;
    }
    if (is_written && is_regular(mailbox))
        is_written = file_stat_fd(mailbox->fd, mailbox->path, &mailbox->status, why);
    if (!is_written)
        cut_back(mailbox, before);
    else if (is_regular(mailbox))
        mailbox->size = (uint64_t) mailbox->status.st_size;
    return is_written;
}

static void run_sync(struct open_mailbox *mailbox)
{
    uint64_t size = mailbox->size;

    mailbox->is_syncing = true;
    if (group_sync_file(mailbox->mailboxes->syncs, mailbox->fd, mailbox->path, &mailbox->why) &&
        (!mailbox->is_created || file_sync_directory(mailbox->directory, &mailbox->why))) {
        mailbox->is_created = false;
        mailbox->durable = size;
    } else {
        mailbox->is_broken = mailbox->is_closing = true;
        if (!mailbox->is_writing)
            cut_back(mailbox, mailbox->durable);
    }
    mailbox->is_syncing = false;
    event_wake_all(&mailbox->changed);
}

bool open_mailbox_sync(struct open_mailbox *mailbox, struct failure *why)
{
    uint64_t wanted = mailbox->size;

    if (!is_regular(mailbox))
        return true;
    while (mailbox->durable < wanted && !mailbox->is_broken) {
        if (mailbox->is_syncing)
            wait_for_change(mailbox);
        else
            run_sync(mailbox);
    }
    return mailbox->durable >= wanted || fail_as_broken(mailbox, why);
}

const struct rights *open_mailbox_rights(const struct open_mailbox *mailbox)
{
    return &mailbox->rights;
}
