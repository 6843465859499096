/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/watched_file.h"

#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>

/* Of a longer file only the start is read: some hosts files block advertisers by the hundred thousand. */
enum { FILE_SIZE_MAX = 16 * 1024 * 1024 };

/* What tells one state of a file from another. */
struct file_state {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct watched_file {
    struct arena *arena;
    const char *path;
    int fd;                 /* -1: not there yet */
    struct file_state read; /* the state that was read last */
    dev_t root_device;      /* of "/" at the opening */
    ino_t root_inode;
    bool was_read;
};

static bool state_equal(const struct file_state *a, const struct file_state *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

bool watched_file_is_in_jail(const struct watched_file *file)
{
    struct stat info;

    return !file_stat("/", &info, NULL) || info.st_dev != file->root_device || info.st_ino != file->root_inode;
}

static void reopen(struct watched_file *file)
{
    int fd;

    if (!file_open(file->path, O_RDONLY | O_NONBLOCK, 0, &fd, NULL))
        return;
    fd_close(&file->fd);
    file->fd = fd;
}

/* Follows a file that was put in the place of the one that is open, where the path can be believed. */
static void follow_replacement(struct watched_file *file)
{
    struct stat by_path, by_fd;

    if (watched_file_is_in_jail(file) || !file_stat(file->path, &by_path, NULL))
        return;
    if (file->fd < 0 || !file_stat_fd(file->fd, file->path, &by_fd, NULL) || by_path.st_ino != by_fd.st_ino ||
        by_path.st_dev != by_fd.st_dev)
        reopen(file);
}

struct watched_file *watched_file_open(const char *path)
{
    struct arena *arena = arena_create();
    struct watched_file *file = arena_new(arena, struct watched_file);
    struct stat root;

    file->arena = arena;
    file->path = arena_c(arena, str_from_c(path));
    file->fd = -1;
    if (file_stat("/", &root, NULL)) {
        file->root_device = root.st_dev;
        file->root_inode = root.st_ino;
    }
    reopen(file);
    return file;
}

void watched_file_close(struct watched_file **file)
{
    struct watched_file *it = *file;
    struct arena *arena;

    *file = NULL;
    if (it == NULL)
        return;
    fd_close(&it->fd);
    arena = it->arena;
    arena_destroy(&arena);
}

static struct str read_all(const struct watched_file *file, size_t size, struct arena *arena)
{
    char *text = arena_alloc(arena, size + 1);
    size_t len = 0;

    if (!file_read_at(file->fd, file->path, text, size, 0, &len, NULL))
        return STR_EMPTY;
    return str_make(text, len);
}

bool watched_file_changed(struct watched_file *file, struct arena *arena, struct str *text_out)
{
    bool is_first = !file->was_read;
    struct file_state state = { 0 };
    struct stat info;

    follow_replacement(file);
    file->was_read = true;
    if (file->fd >= 0 && file_stat_fd(file->fd, file->path, &info, NULL))
        state = (struct file_state){ info.st_dev, info.st_ino, info.st_size, info.st_mtim };
    if (!is_first && state_equal(&state, &file->read))
        return false;
    file->read = state;
    *text_out = STR_EMPTY;
    if (state.size > 0)
        *text_out = read_all(file, state.size > FILE_SIZE_MAX ? FILE_SIZE_MAX : (size_t) state.size, arena);
    return true;
}
