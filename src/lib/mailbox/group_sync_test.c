/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox/group_sync.h"

#include "base/arena.h"
#include "base/str.h"
#include "os/fault.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/space.h"
#include "run/fiber.h"
#include "run/loop.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

enum { FILES = 20 };

struct disk {
    atomic_uint filesystem_syncs;
    atomic_uint file_syncs;
    bool refuses_filesystem;
    const char *bad_file; /* its sync fails; NULL: none does */
};

struct files {
    struct group_sync *sync;
    struct loop *loop;
    struct fiber_group fibers;
    int fds[FILES];
    const char *names[FILES];
    bool is_synced[FILES];
    size_t next;
};

static int watch_disk(const struct fault_event *event, void *context)
{
    struct disk *disk = context;

    if (event->operation != FAULT_SYNC)
        return 0;
    if (event->is_filesystem) {
        (void) atomic_fetch_add(&disk->filesystem_syncs, 1);
        return disk->refuses_filesystem ? EIO : 0;
    }
    (void) atomic_fetch_add(&disk->file_syncs, 1);
    return disk->bad_file != NULL && strcmp(event->path, disk->bad_file) == 0 ? EIO : 0;
}

static void sync_one(void *context)
{
    struct files *files = context;
    size_t place = files->next++;
    struct failure why;

    files->is_synced[place] = group_sync_file(files->sync, files->fds[place], files->names[place], &why);
    EXPECT(files->is_synced[place] || why.error == EIO);
}

static void sync_all(void *context)
{
    struct files *files = context;

    files->sync = group_sync_create(files->loop);
    fiber_group_init(&files->fibers, files->loop);
    for (size_t i = 0; i < FILES; i++)
        fiber_group_start(&files->fibers, sync_one, files);
    EXPECT(fiber_group_wait(&files->fibers, seconds(60), NULL));
    group_sync_destroy(&files->sync);
}

/* Writes and syncs FILES files at one time; how many were durable. */
static unsigned run(struct disk *disk, struct files *files, struct arena *arena)
{
    unsigned count = 0;

    *files = (struct files){ .loop = loop_create() };
    for (size_t i = 0; i < FILES; i++) {
        files->names[i] = arena_printf(arena, "%s/file-%zu", unit_directory(), i).data;
        files->fds[i] = -1;
        EXPECT(file_open(files->names[i], O_WRONLY | O_CREAT, 0600, &files->fds[i], NULL));
        EXPECT(file_write(files->fds[i], files->names[i], STR("hello\n"), NULL));
    }
    fault_set_hook(watch_disk, disk);
    fiber_run(files->loop, sync_all, files);
    loop_run(files->loop);
    fault_set_hook(NULL, NULL);
    loop_destroy(&files->loop);
    for (size_t i = 0; i < FILES; i++) {
        fd_close(&files->fds[i]);
        count += files->is_synced[i];
    }
    return count;
}

static bool has_reliable_syncfs(void)
{
    bool is_reliable = false;
    int fd = -1;

    EXPECT(file_open(unit_directory(), O_RDONLY | O_DIRECTORY, 0, &fd, NULL));
    EXPECT(space_has_reliable_syncfs(fd, &is_reliable, NULL));
    fd_close(&fd);
    return is_reliable;
}

TEST(a_group_of_files_has_one_sync_of_its_filesystem_where_that_is_reliable)
{
    struct arena *arena = arena_create();
    struct disk disk = { 0 };
    struct files files;

    EXPECT_UINT(run(&disk, &files, arena), FILES);
    if (has_reliable_syncfs()) {
        EXPECT(atomic_load(&disk.filesystem_syncs) >= 1);
        EXPECT(atomic_load(&disk.filesystem_syncs) + atomic_load(&disk.file_syncs) < FILES / 2);
    } else {
        EXPECT_UINT(atomic_load(&disk.filesystem_syncs), 0);
        EXPECT_UINT(atomic_load(&disk.file_syncs), FILES);
    }
    arena_destroy(&arena);
}

TEST(each_file_has_its_own_sync_and_answer_when_the_filesystem_s_fails)
{
    struct arena *arena = arena_create();
    struct disk disk = { .refuses_filesystem = true };
    struct files files;

    EXPECT_UINT(run(&disk, &files, arena), FILES);
    EXPECT_UINT(atomic_load(&disk.file_syncs), FILES);
    disk.bad_file = arena_printf(arena, "%s/file-7", unit_directory()).data;
    EXPECT_UINT(run(&disk, &files, arena), FILES - 1);
    EXPECT(!files.is_synced[7]);
    arena_destroy(&arena);
}
