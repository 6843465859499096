/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/group_sync.h"

#include "base/list.h"
#include "base/memory.h"
#include "os/file.h"
#include "os/space.h"
#include "run/fiber.h"
#include "run/worker.h"

enum {
    GROUP_MAX = 64,
    NAME_SIZE = 200,
    FILES_MIN = 3,       /* that are worth a sync of the filesystem, directories among them */
    LONG_US = 250000,    /* such a sync waited for what strangers wrote ... */
    APART_US = 10000000, /* ... and for so long each file is synced by itself */
};

/* One fiber's wish, on its stack: it waits. */
struct wish {
    struct list place;
    struct named_file file; /* directory_fd -1: the file alone */
    bool is_over;
    bool is_done;
    struct failure why;
};

/* Wishes of one kind, and the thread that fulfils a group of them at a time. */
struct line {
    struct group_sync *sync;
    void (*work)(void *group);
    struct worker *worker;
    struct list wishes; /* of no group yet */
    size_t wish_count;
    bool is_running;
    struct event ended;
};

struct group_sync {
    struct loop *loop;
    struct line data;
    struct line durable;
    struct instant apart_until;
};

/* What the thread works on. */
struct member {
    int fd;
    int directory_fd;
    char name[NAME_SIZE];
    char directory[NAME_SIZE];
    struct stat status;
    struct stat directory_status; /* where each is synced by itself */
    bool is_usable;               /* false: it has failed */
    bool is_done;
    struct failure why;
};

struct group {
    size_t count;
    bool may_sync_filesystem;
    bool took_long;
    struct member members[];
};

/* ---- the threads' side ---- */

/* The data of all goes to the disk before any of it is waited for. */
static void start_all(struct group *group)
{
    for (size_t i = 0; i < group->count && group->count > 1; i++) {
        struct member *member = &group->members[i];

        if (member->is_usable && !member->is_done)
            member->is_usable = file_start_sync(member->fd, member->name, &member->why);
    }
}

/*
 * Where the filesystem puts things on the disk in their order, data that is there stays ahead of every later name;
 * elsewhere the file is made durable.
 */
static bool write_data(struct member *member)
{
    bool is_in_order;

    if (!file_wait_written(member->fd, member->name, &member->why) ||
        !space_keeps_order(member->fd, &is_in_order, &member->why))
        return false;
    return is_in_order || file_sync(member->fd, member->name, &member->why);
}

static void work_on_data(void *context)
{
    struct group *group = context;

    start_all(group);
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];

        member->is_done = member->is_usable && write_data(member);
    }
}

static bool is_same_file(const struct stat *one, const struct stat *other)
{
    return one->st_ino == other->st_ino && one->st_dev == other->st_dev;
}

static size_t count_files(const struct group *group, dev_t device)
{
    size_t count = 0;

    for (size_t i = 0; i < group->count; i++) {
        const struct member *member = &group->members[i];
        bool is_first = member->is_usable && member->status.st_dev == device;

        for (size_t j = 0; j < i && is_first; j++)
            is_first = !is_same_file(&group->members[j].status, &member->status);
        count += is_first ? 1 : 0;
        count += member->is_usable && member->directory_fd >= 0 ? 1 : 0;
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
            member->is_done = member->is_usable = file_wait_written(member->fd, member->name, &member->why);
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

/* A sync since all of the group was written is good for every descriptor of the same file. */
static bool is_synced_already(const struct group *group, size_t place)
{
    for (size_t i = 0; i < place; i++) {
        if (group->members[i].is_done && is_same_file(&group->members[i].status, &group->members[place].status))
            return true;
    }
    return false;
}

static bool is_directory_synced_already(const struct group *group, size_t place)
{
    const struct member *member = &group->members[place];

    for (size_t i = 0; i < place; i++) {
        const struct member *other = &group->members[i];

        if (other->is_done && other->directory_fd >= 0 &&
            is_same_file(&other->directory_status, &member->directory_status))
            return true;
    }
    return false;
}

static bool sync_directory(struct group *group, size_t place)
{
    struct member *member = &group->members[place];

    return member->directory_fd < 0 ||
           (file_stat_fd(member->directory_fd, member->directory, &member->directory_status, &member->why) &&
            (is_directory_synced_already(group, place) ||
             file_sync(member->directory_fd, member->directory, &member->why)));
}

static void sync_each(struct group *group)
{
    start_all(group);
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];

        if (member->is_usable && !member->is_done)
            member->is_done = (is_synced_already(group, i) || file_sync(member->fd, member->name, &member->why)) &&
                              sync_directory(group, i);
    }
}

static void work_on_files(void *context)
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

static void line_start(struct line *line, struct group_sync *sync, const char *name, void (*work)(void *group))
{
    line->sync = sync;
    line->work = work;
    line->worker = worker_create(sync->loop, name);
    list_init(&line->wishes);
    event_init(&line->ended);
}

struct group_sync *group_sync_create(struct loop *loop)
{
    struct group_sync *sync = memory_alloc(sizeof(*sync));

    sync->loop = loop;
    line_start(&sync->data, sync, "mailbox-data", work_on_data);
    line_start(&sync->durable, sync, "mailbox-sync", work_on_files);
    return sync;
}

void group_sync_destroy(struct group_sync **sync)
{
    if (*sync == NULL)
        return;
    worker_destroy(&(*sync)->data.worker);
    worker_destroy(&(*sync)->durable.worker);
    memory_free(*sync);
    *sync = NULL;
}

static void copy_name(char copy[NAME_SIZE], const char *name)
{
    struct str part = str_part(str_from_c(name), 0, NAME_SIZE - 1);

    memcpy(copy, part.data, part.len);
}

static struct group *take_group(struct line *line, struct wish **wishes)
{
    size_t count = line->wish_count < GROUP_MAX ? line->wish_count : GROUP_MAX;
    struct group *group = memory_alloc(sizeof(*group) + count * sizeof(struct member));

    while (group->count < count) {
        struct wish *wish = CONTAINER_OF(line->wishes.next, struct wish, place);
        struct member *member = &group->members[group->count];

        list_remove(&wish->place);
        member->is_usable = true;
        member->fd = wish->file.fd;
        member->directory_fd = wish->file.directory_fd;
        copy_name(member->name, wish->file.name);
        if (member->directory_fd >= 0)
            copy_name(member->directory, wish->file.directory);
        wishes[group->count++] = wish;
    }
    line->wish_count -= count;
    return group;
}

static void run_group(struct line *line)
{
    struct wish *wishes[GROUP_MAX];
    struct group *group = take_group(line, wishes);
    size_t count = group->count;
    struct failure why;
    bool has_run;

    group->may_sync_filesystem = clock_monotonic().us >= line->sync->apart_until.us;
    has_run = worker_run(line->worker, line->work, group, memory_free, DURATION_FOREVER, &why);

    for (size_t i = 0; i < count; i++) {
        wishes[i]->is_done = has_run && group->members[i].is_done;
        wishes[i]->why = has_run ? group->members[i].why : why;
        wishes[i]->is_over = true;
    }
    if (has_run && group->took_long)
        line->sync->apart_until = (struct instant){ clock_monotonic().us + APART_US };
    if (has_run)
        memory_free(group);
    event_wake_all(&line->ended);
}

static void run_groups(void *context)
{
    struct line *line = context;

    while (!list_is_empty(&line->wishes))
        run_group(line);
    line->is_running = false;
}

static bool stand_in_line(struct line *line, const struct named_file *file, struct failure *why)
{
    struct wish wish = { .file = *file };
    struct loop *loop = line->sync->loop;

    list_append(&line->wishes, &wish.place);
    line->wish_count++;
    if (!line->is_running) {
        line->is_running = true;
        fiber_start(loop, run_groups, line);
    }
    /* The disk ends it, with success or failure. */
    while (!wish.is_over)
        (void) !event_wait(loop, &line->ended, DURATION_FOREVER, NULL);
    if (!wish.is_done)
        *why = wish.why;
    return wish.is_done;
}

bool group_sync_data(struct group_sync *sync, int fd, const char *name, struct failure *why)
{
    if (sync == NULL)
        return file_sync(fd, name, why);
    return stand_in_line(&sync->data, &(struct named_file){ fd, name, -1, NULL }, why);
}

bool group_sync_file(struct group_sync *sync, int fd, const char *name, struct failure *why)
{
    if (sync == NULL)
        return file_sync(fd, name, why);
    return stand_in_line(&sync->durable, &(struct named_file){ fd, name, -1, NULL }, why);
}

bool group_sync_named(struct group_sync *sync, const struct named_file *file, struct failure *why)
{
    if (sync == NULL)
        return file_sync(file->fd, file->name, why) && file_sync(file->directory_fd, file->directory, why);
    return stand_in_line(&sync->durable, file, why);
}
