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
#include <stdlib.h>

enum { DEEPEST = QUEUE_ID_HASH_DIGITS, BATCH = 65536 };

struct level {
    struct directory *directory;
    char folder[SPOOL_PATH_SIZE];
};

struct name {
    uint64_t inode;
    char text[QUEUE_ID_TEXT_SIZE];
};

struct spool_walking {
    enum spool_queue queue;
    unsigned part;
    unsigned parts;
    struct level levels[DEEPEST + 1];
    unsigned open_levels;
    bool is_begun;
    char next_folder[2]; /* met among the names: entered when those before it were looked at */
    struct name *names;  /* of the innermost folder, by inode */
    size_t name_room;
    size_t name_count;
    size_t looked_at;
    size_t strange;
    struct failure trouble; /* the first folder that could not be entered */
};

struct spool_walking *spool_walking_create(enum spool_queue queue, unsigned part, unsigned parts)
{
    struct spool_walking *walking = memory_alloc(sizeof(*walking));

    walking->queue = queue;
    walking->part = part;
    walking->parts = parts;
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
    memory_free(walking->names);
    memory_free(walking);
}

/* ---- names ---- */

static int compare_inodes(const void *a, const void *b)
{
    uint64_t first = ((const struct name *) a)->inode;
    uint64_t second = ((const struct name *) b)->inode;

    return first < second ? -1 : first > second;
}

static void add_name(struct spool_walking *walking, const char *text, uint64_t inode)
{
    struct name *name;

    if (walking->name_count == walking->name_room) {
        walking->name_room = walking->name_room == 0 ? 1024 : walking->name_room * 2;
        walking->names = memory_resize(walking->names, walking->name_room * sizeof(struct name));
    }
    name = &walking->names[walking->name_count++];
    name->inode = inode;
    snprintf(name->text, sizeof(name->text), "%s", text);
}

/* What lies in the queue's own folder is one part's, and what it holds of other folders is shared out. */
static bool is_ours(const struct spool_walking *walking, const char *folder)
{
    unsigned share = 0;

    if (walking->open_levels > 1)
        return true;
    if (folder != NULL)
        share = (unsigned) (folder[0] <= '9' ? folder[0] - '0' : folder[0] - 'A' + 10) % walking->parts;
    return share == walking->part;
}

static void take_name(struct spool_walking *walking, const char *name, unsigned char type, uint64_t inode)
{
    struct queue_id id;

    if (!is_ours(walking, NULL))
        return;
    if ((type == DT_REG || type == DT_UNKNOWN) && queue_id_parse(str_from_c(name), &id))
        add_name(walking, name, inode);
    else
        walking->strange++;
}

/* Up to the next folder in it, to its end, or as many as are taken at a time. True: there are more. */
static bool read_names(struct spool_walking *walking)
{
    struct directory *directory = walking->levels[walking->open_levels - 1].directory;
    bool is_more = true;
    unsigned char type;
    const char *name;

    walking->name_count = 0;
    walking->looked_at = 0;
    while (walking->name_count < BATCH && walking->next_folder[0] == '\0') {
        is_more = directory_next(directory, &name, &type);
        if (!is_more)
            break;
        if (type != DT_DIR || !spool_is_hash_folder(name) || walking->open_levels > DEEPEST)
            take_name(walking, name, type, directory_inode(directory));
        else if (is_ours(walking, name))
            walking->next_folder[0] = name[0];
    }
    if (walking->name_count > 1)
        qsort(walking->names, walking->name_count, sizeof(struct name), compare_inodes);
    return is_more;
}

/* One that went away since its name was read is none. */
static bool look_at_file(struct spool_walking *walking, const struct name *name, spool_seen *seen, void *context)
{
    const struct level *level = &walking->levels[walking->open_levels - 1];
    char path[SPOOL_PATH_SIZE + QUEUE_ID_TEXT_SIZE];
    struct spool_entry entry = { .queue = walking->queue, .path = path };
    struct failure why = { 0 };
    struct stat status;

    if (!queue_id_parse(str_from_c(name->text), &entry.id))
        return true;
    if (!file_stat_at(directory_fd(level->directory), name->text, &status, &why) || !S_ISREG(status.st_mode)) {
        walking->strange += why.error != ENOENT;
        return true;
    }
    snprintf(path, sizeof(path), "%s/%s", level->folder, name->text);
    entry.next_attempt = (struct instant){ status.st_mtim.tv_sec * 1000000 + status.st_mtim.tv_nsec / 1000 };
    entry.size_bytes = (uint64_t) status.st_size;
    entry.mode = status.st_mode & 07777;
    return seen(context, &entry);
}

/* ---- folders ---- */

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

/* What comes when all names that were read have been looked at: the folder among them, more names, or the way up. */
static bool go_on(struct spool_walking *walking, struct failure *why)
{
    if (walking->next_folder[0] != '\0') {
        const char name[2] = { walking->next_folder[0], '\0' };

        walking->next_folder[0] = '\0';
        return enter(walking, name, why);
    }
    if (read_names(walking) || walking->name_count > 0)
        return true;
    return directory_close(&walking->levels[--walking->open_levels].directory, why);
}

bool spool_walking_step(struct spool_walking *walking, size_t names, spool_seen *seen, void *context, bool *is_over_out,
                        struct failure *why)
{
    bool is_ended = false;

    if (!walking->is_begun && !enter(walking, spool_queue_name(walking->queue), why))
        return false;
    walking->is_begun = true;
    for (size_t count = 0; count < names && !is_ended && walking->open_levels > 0;) {
        if (walking->looked_at < walking->name_count) {
            is_ended = !look_at_file(walking, &walking->names[walking->looked_at++], seen, context);
            count++;
        } else if (!go_on(walking, why)) {
            return false;
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
    struct spool_walking *walking = spool_walking_create(queue, 0, 1);
    bool is_over;
    bool is_done = spool_walking_step(walking, SIZE_MAX, seen, context, &is_over, why);

    if (is_done && strange_out != NULL)
        *strange_out = walking->strange;
    spool_walking_destroy(&walking);
    return is_done;
}
