/* SPDX-License-Identifier: Apache-2.0 */
#include "local/group_sync.h"

#include "base/list.h"
#include "base/memory.h"
#include "os/file.h"
#include "os/space.h"
#include "run/fiber.h"
#include "run/worker.h"

enum {
    GROUP_MAX = 64,
    NAME_SIZE = 200,
    FILES_MIN = 3,       /* that are worth a sync of the filesystem */
    LONG_US = 250000,    /* such a sync waited for what strangers wrote ... */
    APART_US = 10000000, /* ... and for so long each file is synced by itself */
};

/* One fiber's wish, on its stack: it waits. */
struct wish {
    struct list place;
    int fd;
    const char *name;
    bool is_over;
    bool is_synced;
    struct failure why;
};

struct group_sync {
    struct loop *loop;
    struct worker *worker;
    struct list wishes; /* of no group yet */
    bool is_running;
    struct event ended;
    struct instant apart_until;
};

/* What the thread works on. */
struct member {
    int fd;
    char name[NAME_SIZE];
    struct stat status;
    bool is_usable; /* false: it has failed */
    bool is_synced;
    struct failure why;
};

struct group {
    size_t count;
    bool may_sync_filesystem;
    bool took_long;
    struct member members[GROUP_MAX];
};

struct group_sync *group_sync_create(struct loop *loop)
{
    struct group_sync *sync = memory_alloc(sizeof(*sync));

    sync->loop = loop;
    sync->worker = worker_create(loop, "mailbox-sync");
    list_init(&sync->wishes);
    event_init(&sync->ended);
    return sync;
}

void group_sync_destroy(struct group_sync **sync)
{
    if (*sync == NULL)
        return;
    worker_destroy(&(*sync)->worker);
    memory_free(*sync);
    *sync = NULL;
}

/* ---- the thread's side ---- */

/* A sync since all of the group was written is good for every descriptor of the same file. */
static bool is_synced_already(const struct group *group, size_t place)
{
    const struct stat *status = &group->members[place].status;

    for (size_t i = 0; i < place; i++) {
        const struct member *other = &group->members[i];

        if (other->is_synced && other->status.st_ino == status->st_ino && other->status.st_dev == status->st_dev)
            return true;
    }
    return false;
}

static size_t count_files(const struct group *group, dev_t device)
{
    size_t count = 0;

    for (size_t i = 0; i < group->count; i++) {
        const struct member *member = &group->members[i];
        bool is_first = member->is_usable && member->status.st_dev == device;

        for (size_t j = 0; j < i && is_first; j++)
            is_first =
                group->members[j].status.st_ino != member->status.st_ino || group->members[j].status.st_dev != device;
        count += is_first;
    }
    return count;
}

/*
 * One commit of the journal and one flush of the disk for all files of the group on that filesystem. If it fails, or is
 * not known to be reliable there, nothing is said of any of them: each has its own sync then.
 */
static void sync_filesystem(struct group *group, const struct member *first)
{
    dev_t device = first->status.st_dev;
    struct instant begun = clock_monotonic();
    struct failure ignored;
    bool is_reliable;

    if (count_files(group, device) < FILES_MIN || !space_has_reliable_syncfs(first->fd, &is_reliable, &ignored) ||
        !is_reliable || !file_sync_filesystem(first->fd, first->name, &ignored))
        return;
    group->took_long = group->took_long || instant_since(clock_monotonic(), begun).us > LONG_US;
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];

        /* Of what went wrong before, the filesystem may have told somebody else; the file tells its own. */
        if (member->is_usable && member->status.st_dev == device)
            member->is_synced = member->is_usable = file_wait_written(member->fd, member->name, &member->why);
    }
}

static bool is_first_of_filesystem(const struct group *group, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (group->members[i].status.st_dev == group->members[place].status.st_dev)
            return false;
    }
    return true;
}

static void sync_filesystems(struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i].is_usable && is_first_of_filesystem(group, i))
            sync_filesystem(group, &group->members[i]);
    }
}

static void sync_each(struct group *group)
{
    for (size_t i = 0; i < group->count && group->count > 1; i++) {
        struct member *member = &group->members[i];

        if (member->is_usable && !member->is_synced)
            member->is_usable = file_start_sync(member->fd, member->name, &member->why);
    }
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];

        if (member->is_usable && !member->is_synced)
            member->is_synced = is_synced_already(group, i) || file_sync(member->fd, member->name, &member->why);
    }
}

static void sync_group(void *context)
{
    struct group *group = context;

    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];

        member->is_usable = file_stat_fd(member->fd, member->name, &member->status, &member->why);
    }
    if (group->may_sync_filesystem)
        sync_filesystems(group);
    sync_each(group);
}

/* ---- the loop's side ---- */

static struct group *take_group(struct group_sync *sync, struct wish **wishes)
{
    struct group *group = memory_alloc(sizeof(*group));

    while (group->count < GROUP_MAX && !list_is_empty(&sync->wishes)) {
        struct wish *wish = CONTAINER_OF(sync->wishes.next, struct wish, place);
        struct member *member = &group->members[group->count];
        struct str name = str_part(str_from_c(wish->name), 0, NAME_SIZE - 1);

        list_remove(&wish->place);
        member->fd = wish->fd;
        memcpy(member->name, name.data, name.len);
        wishes[group->count++] = wish;
    }
    return group;
}

static void run_group(struct group_sync *sync)
{
    struct wish *wishes[GROUP_MAX];
    struct group *group = take_group(sync, wishes);
    size_t count = group->count;
    struct failure why;
    bool has_run;

    group->may_sync_filesystem = clock_monotonic().us >= sync->apart_until.us;
    has_run = worker_run(sync->worker, sync_group, group, memory_free, DURATION_FOREVER, &why);

    for (size_t i = 0; i < count; i++) {
        wishes[i]->is_synced = has_run && group->members[i].is_synced;
        wishes[i]->why = has_run ? group->members[i].why : why;
        wishes[i]->is_over = true;
    }
    if (has_run && group->took_long)
        sync->apart_until = (struct instant){ clock_monotonic().us + APART_US };
    if (has_run)
        memory_free(group);
    event_wake_all(&sync->ended);
}

static void run_groups(void *context)
{
    struct group_sync *sync = context;

    while (!list_is_empty(&sync->wishes))
        run_group(sync);
    sync->is_running = false;
}

bool group_sync_file(struct group_sync *sync, int fd, const char *name, struct failure *why)
{
    struct wish wish = { .fd = fd, .name = name };

    if (sync == NULL)
        return file_sync(fd, name, why);
    list_append(&sync->wishes, &wish.place);
    if (!sync->is_running) {
        sync->is_running = true;
        fiber_start(sync->loop, run_groups, sync);
    }
    /* The disk ends it, with success or failure. */
    while (!wish.is_over)
        (void) !event_wait(sync->loop, &sync->ended, DURATION_FOREVER, NULL);
    if (!wish.is_synced)
        *why = wish.why;
    return wish.is_synced;
}
