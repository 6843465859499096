/* SPDX-License-Identifier: Apache-2.0 */
#include "spool/spool.h"

#include "base/check.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { MOST_SET_ASIDE = 1000 };

static const char *const names[SPOOL_QUEUE_COUNT] = { "incoming", "active", "deferred", "hold", "corrupt" };

const char *spool_queue_name(enum spool_queue queue)
{
    CHECK(queue < SPOOL_QUEUE_COUNT);
    return names[queue];
}

bool spool_queue_parse(struct str name, enum spool_queue *queue_out)
{
    for (unsigned i = 0; i < SPOOL_QUEUE_COUNT; i++) {
        if (str_equal(name, str_from_c(names[i]))) {
            *queue_out = (enum spool_queue) i;
            return true;
        }
    }
    return false;
}

struct spool_settings spool_settings_make(struct str hash_queue_names, int hash_queue_depth)
{
    struct spool_settings settings = { 0 };
    enum spool_queue queue;
    struct str word;

    if (hash_queue_depth > 0)
        settings.hash_depth =
            hash_queue_depth < QUEUE_ID_HASH_DIGITS ? (unsigned) hash_queue_depth : QUEUE_ID_HASH_DIGITS;
    while (str_next_word(&hash_queue_names, ", \t\r\n", &word)) {
        if (spool_queue_parse(word, &queue))
            settings.hashed_queues |= 1u << queue;
    }
    return settings;
}

/* ---- paths ---- */

static void folder_at_depth(enum spool_queue queue, struct queue_id id, unsigned depth, char path[SPOOL_PATH_SIZE])
{
    char digits[QUEUE_ID_HASH_DIGITS + 1];
    int len = snprintf(path, SPOOL_PATH_SIZE, "%s", names[queue]);

    queue_id_hash_digits(id, digits);
    for (unsigned i = 0; i < depth; i++)
        len += snprintf(path + len, SPOOL_PATH_SIZE - (size_t) len, "/%c", digits[i]);
}

static void path_at_depth(enum spool_queue queue, struct queue_id id, unsigned depth, char path[SPOOL_PATH_SIZE])
{
    char text[QUEUE_ID_TEXT_SIZE];
    size_t len;

    folder_at_depth(queue, id, depth, path);
    len = strlen(path);
    queue_id_format(id, text);
    snprintf(path + len, SPOOL_PATH_SIZE - len, "/%s", text);
}

static unsigned depth_of(const struct spool_settings *settings, enum spool_queue queue)
{
    return (settings->hashed_queues & 1u << queue) != 0 ? settings->hash_depth : 0;
}

void spool_path(const struct spool_settings *settings, enum spool_queue queue, struct queue_id id,
                char path[SPOOL_PATH_SIZE])
{
    path_at_depth(queue, id, depth_of(settings, queue), path);
}

void spool_folder(const struct spool_settings *settings, enum spool_queue queue, struct queue_id id,
                  char path[SPOOL_PATH_SIZE])
{
    folder_at_depth(queue, id, depth_of(settings, queue), path);
}

bool spool_make_folders(struct failure *why)
{
    static const char *const more[] = { "maildrop", "journal", "defer", "bounce", "trace" };

    for (size_t i = 0; i < SPOOL_QUEUE_COUNT; i++) {
        if (!directory_create_at(AT_FDCWD, names[i], 0700, why))
            return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(more); i++) {
        if (!directory_create_at(AT_FDCWD, more[i], 0700, why))
            return false;
    }
    /* Whoever made one, now or just before a crash: without its folder's name no message can be found again. */
    return file_sync_directory(".", why);
}

/* ---- looking ---- */

static bool look_at(const char *path, bool *is_there_out, struct failure *why)
{
    struct stat status;
    struct failure reason;

    *is_there_out = file_stat_link(path, &status, &reason) && S_ISREG(status.st_mode);
    if (*is_there_out || reason.error == ENOENT || reason.error == ENOTDIR || reason.error == 0)
        return true;
    *why = reason;
    return false;
}

/* Whether there may be something in it: what cannot be looked at now may. */
static bool may_hold_files(enum spool_queue queue, struct queue_id id, unsigned depth)
{
    char folder[SPOOL_PATH_SIZE];
    struct failure why;
    struct stat status;

    folder_at_depth(queue, id, depth, folder);
    return file_stat(folder, &status, &why) || (why.error != ENOENT && why.error != ENOTDIR);
}

static bool find_in(const struct spool_settings *settings, enum spool_queue queue, struct queue_id id,
                    char path[SPOOL_PATH_SIZE], bool *is_there_out, struct failure *why)
{
    unsigned usual = depth_of(settings, queue);

    path_at_depth(queue, id, usual, path);
    if (!look_at(path, is_there_out, why))
        return false;
    for (unsigned depth = 0; !*is_there_out && depth <= QUEUE_ID_HASH_DIGITS; depth++) {
        if (depth == usual)
            continue;
        /* No folder, and none below it: recovery asks for each message of the journal, so few questions count. */
        if (depth > usual && !may_hold_files(queue, id, depth))
            break;
        path_at_depth(queue, id, depth, path);
        if (!look_at(path, is_there_out, why))
            return false;
    }
    return true;
}

bool spool_find(const struct spool_settings *settings, struct queue_id id, enum spool_queue *queue_out,
                char path[SPOOL_PATH_SIZE], struct failure *why)
{
    for (unsigned queue = 0; queue < SPOOL_CORRUPT; queue++) {
        struct failure reason = { 0 };
        bool is_there = false;

        if (!find_in(settings, (enum spool_queue) queue, id, path, &is_there, &reason)) {
            *why = reason;
            return false;
        }
        if (is_there) {
            *queue_out = (enum spool_queue) queue;
            return true;
        }
    }
    return failure_set(why, FAILURE_NONE, 0, "no such message");
}

/* ---- moving ---- */

/*
 * A folder bears the sticky bit until its own name is durable: another thread, or a later process if this one is
 * killed, then does not take it for granted.
 */
static bool make_durable_folder(const char *folder, const char *parent, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct failure absent;
    struct stat status;

    if (file_stat(folder, &status, &absent)) {
        if ((status.st_mode & S_ISVTX) == 0)
            return true;
    } else if (!directory_create_at(AT_FDCWD, folder, 0700 | S_ISVTX, why)) {
        return false;
    }
    return file_sync_directory(parent, why) && directory_open_fd(AT_FDCWD, folder, &fd, why) &&
           file_set_mode(fd, folder, 0700, why);
}

bool spool_make_folder(const struct spool_settings *settings, enum spool_queue queue, struct queue_id id,
                       struct failure *why)
{
    char folder[SPOOL_PATH_SIZE];
    char parent[SPOOL_PATH_SIZE];

    for (unsigned depth = 1; depth <= depth_of(settings, queue); depth++) {
        folder_at_depth(queue, id, depth, folder);
        folder_at_depth(queue, id, depth - 1, parent);
        if (!make_durable_folder(folder, parent, why))
            return false;
    }
    return true;
}

/* The folder part of path, "" left as ".". */
static void folder_of(const char *path, char folder[SPOOL_PATH_SIZE])
{
    struct str text = str_from_c(path);
    size_t slash = str_find_last_char(text, '/');

    if (slash == STR_NOT_FOUND)
        snprintf(folder, SPOOL_PATH_SIZE, ".");
    else
        snprintf(folder, SPOOL_PATH_SIZE, "%.*s", (int) slash, path);
}

bool spool_move(const struct spool_settings *settings, struct queue_id id, const char *from_path, enum spool_queue to,
                bool is_durable, struct failure *why)
{
    char path[SPOOL_PATH_SIZE];
    char folder[SPOOL_PATH_SIZE];

    spool_path(settings, to, id, path);
    if (strcmp(path, from_path) == 0)
        return true;
    if (!spool_make_folder(settings, to, id, why) || !file_rename_new_at(AT_FDCWD, from_path, AT_FDCWD, path, why))
        return false;
    if (!is_durable)
        return true;
    spool_folder(settings, to, id, folder);
    if (!file_sync_directory(folder, why))
        return false;
    folder_of(from_path, folder);
    return file_sync_directory(folder, why);
}

bool spool_set_aside(const struct spool_settings *settings, struct queue_id id, const char *from_path,
                     struct failure *why)
{
    char usual[SPOOL_PATH_SIZE];
    char path[SPOOL_PATH_SIZE + 16];
    char folder[SPOOL_PATH_SIZE];
    struct failure reason = { 0 };

    spool_path(settings, SPOOL_CORRUPT, id, usual);
    spool_folder(settings, SPOOL_CORRUPT, id, folder);
    if (!spool_make_folder(settings, SPOOL_CORRUPT, id, why))
        return false;
    snprintf(path, sizeof(path), "%s", usual);
    for (unsigned number = 2; number < MOST_SET_ASIDE; number++) {
        if (file_rename_new_at(AT_FDCWD, from_path, AT_FDCWD, path, &reason)) {
            if (!file_sync_directory(folder, why))
                return false;
            folder_of(from_path, folder);
            return file_sync_directory(folder, why);
        }
        if (reason.error != EEXIST)
            break;
        snprintf(path, sizeof(path), "%s.%u", usual, number);
    }
    *why = reason;
    return false;
}

bool spool_remove(const char *path, struct failure *why)
{
    struct failure reason;

    if (file_unlink(path, &reason) || reason.error == ENOENT)
        return true;
    *why = reason;
    return false;
}
