/* SPDX-License-Identifier: Apache-2.0 */
#include "local/group_sync.h"

#include "base/list.h"
#include "base/memory.h"
#include "os/file.h"
#include "run/fiber.h"
#include "run/worker.h"

enum { GROUP_MAX = 64, NAME_SIZE = 200 };

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
};

/* What the thread works on. */
struct member {
    int fd;
    char name[NAME_SIZE];
    struct stat status;
    bool is_synced;
    struct failure why;
};

struct group {
    size_t count;
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

static void sync_group(void *context)
{
    struct group *group = context;
    bool is_started[GROUP_MAX];

    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];

        is_started[i] = file_stat_fd(member->fd, member->name, &member->status, &member->why) &&
                        (group->count == 1 || file_start_sync(member->fd, member->name, &member->why));
    }
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = &group->members[i];

        member->is_synced =
            is_started[i] && (is_synced_already(group, i) || file_sync(member->fd, member->name, &member->why));
    }
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
    bool has_run = worker_run(sync->worker, sync_group, group, memory_free, DURATION_FOREVER, &why);

    for (size_t i = 0; i < count; i++) {
        wishes[i]->is_synced = has_run && group->members[i].is_synced;
        wishes[i]->why = has_run ? group->members[i].why : why;
        wishes[i]->is_over = true;
    }
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
