/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool_walking.h"

#include "base/memory.h"
#include "os/directory.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>

enum { DEEPEST = QUEUE_ID_HASH_DIGITS };

struct level {
    struct directory *directory;
    char folder[SPOOL_PATH_SIZE];
};

struct spool_walking {
    enum spool_queue queue;
    struct level levels[DEEPEST + 1];
    unsigned open_levels;
    bool is_begun;
    size_t strange;
    struct failure trouble; /* the first folder that could not be entered */
};

struct spool_walking *spool_walking_create(enum spool_queue queue)
{
    struct spool_walking *walking = memory_alloc(sizeof(*walking));

    walking->queue = queue;
    return walking;
}

void spool_walking_destroy(struct spool_walking **handle)
{
    struct spool_walking *walking = *handle;

    *handle = NULL;
    if (walking == NULL)
        return;
    while (walking->open_levels > 0)
        directory_discard(&walking->levels[--walking->open_levels].directory);
    memory_free(walking);
}

static bool look_at_file(struct spool_walking *walking, const struct level *level, const char *name, spool_seen *seen,
                         void *context)
{
    char path[SPOOL_PATH_SIZE + 256];
    struct spool_entry entry = { .queue = walking->queue, .path = path };
    struct failure ignored;
    struct stat status;

    if (!queue_id_parse(str_from_c(name), &entry.id) ||
        !file_stat_at(directory_fd(level->directory), name, &status, &ignored) || !S_ISREG(status.st_mode)) {
        walking->strange++;
        return true;
    }
    snprintf(path, sizeof(path), "%s/%s", level->folder, name);
    entry.next_attempt = (struct instant){ status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000 };
    entry.size_bytes = (uint64_t) status.st_size;
    entry.mode = status.st_mode & 07777;
    return seen(context, &entry);
}

bool spool_is_hash_folder(const char *name)
{
    return name[0] != '\0' && name[1] == '\0' && (char_is_digit(name[0]) || (name[0] >= 'A' && name[0] <= 'F'));
}

/* A folder that somebody has just removed has nothing to see; one that is closed to us costs the others nothing. */
static bool enter(struct spool_walking *walking, const char *name, struct failure *why)
{
    struct level *level = &walking->levels[walking->open_levels];
    char folder[SPOOL_PATH_SIZE];
    struct failure reason;

    if (walking->open_levels == 0)
        snprintf(folder, sizeof(folder), "%s", name);
    else
        snprintf(folder, sizeof(folder), "%.80s/%.2s", level[-1].folder, name);
    memcpy(level->folder, folder, sizeof(folder));
    if (directory_open(AT_FDCWD, level->folder, &level->directory, &reason)) {
        walking->open_levels++;
        return true;
    }
    if (walking->open_levels == 0) {
        *why = reason;
        return false;
    }
    if (reason.error != ENOENT && walking->trouble.kind == FAILURE_NONE)
        walking->trouble = reason;
    return true;
}

bool spool_walking_step(struct spool_walking *walking, size_t names, spool_seen *seen, void *context, bool *is_over_out,
                        struct failure *why)
{
    bool is_ended = false;

    if (!walking->is_begun && !enter(walking, spool_queue_name(walking->queue), why))
        return false;
    walking->is_begun = true;
    for (size_t count = 0; count < names && !is_ended && walking->open_levels > 0; count++) {
        struct level *level = &walking->levels[walking->open_levels - 1];
        const char *name;
        unsigned char type;

        if (!directory_next(level->directory, &name, &type)) {
            walking->open_levels--;
            if (!directory_close(&level->directory, why))
                return false;
        } else if (type == DT_DIR && spool_is_hash_folder(name) && walking->open_levels <= DEEPEST) {
            if (!enter(walking, name, why))
                return false;
        } else {
            is_ended = !look_at_file(walking, level, name, seen, context);
        }
    }
    *is_over_out = is_ended || walking->open_levels == 0;
    if (!*is_over_out || walking->trouble.kind == FAILURE_NONE)
        return true;
    *why = walking->trouble;
    return false;
}

size_t spool_walking_strange(const struct spool_walking *walking)
{
    return walking->strange;
}

bool spool_walk(enum spool_queue queue, spool_seen *seen, void *context, size_t *strange_out, struct failure *why)
{
    struct spool_walking *walking = spool_walking_create(queue);
    bool is_over;
    bool is_done = spool_walking_step(walking, SIZE_MAX, seen, context, &is_over, why);

    if (is_done && strange_out != NULL)
        *strange_out = walking->strange;
    spool_walking_destroy(&walking);
    return is_done;
}
