/* SPDX-License-Identifier: Apache-2.0 */
/* The folder in which the new configuration is made, and how it takes the place of the old one. */
#include "merpati/import.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEPTH_MAXIMUM = 20 };

/* What is placed one by one: what takes no name that is in use, then what does, then the two that make the rest count.
 */
enum turn { TURN_NEW, TURN_USED, TURN_MAIN };

static const char *join(const struct import_job *job, const char *directory, const char *name)
{
    return arena_printf(job->arena, "%s/%s", directory, name).data;
}

static void discard(const char *stage)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct directory *directory;
    struct failure ignored;
    unsigned char type;
    const char *name;

    if (!directory_open(AT_FDCWD, stage, &directory, &ignored))
        return;
    while (directory_next(directory, &name, &type)) {
        const char *path = arena_printf(arena, "%s/%s", stage, name).data;
        struct stat status;

        if (file_stat_link(path, &status, &ignored) && S_ISDIR(status.st_mode))
            discard(path);
        else
            (void) !file_unlink(path, &ignored);
    }
    directory_discard(&directory);
    (void) !directory_remove_at(AT_FDCWD, stage, &ignored);
}

/* ---- what the target has ---- */

static bool refuse_mount(const char *path, struct failure *why)
{
    return failure_set(why, FAILURE_CONFIGURATION, 0, "%s is mounted there: take it away for the time of the import",
                       path);
}

static bool link_directory(const struct import_job *job, const char *from, const char *to, unsigned depth,
                           struct failure *why);

static bool link_one(const struct import_job *job, const char *from, const char *to, unsigned depth,
                     struct failure *why)
{
    struct stat status;

    if (!file_stat_link(from, &status, why))
        return false;
    if (!S_ISDIR(status.st_mode))
        return file_link(from, to, why) || (why->error == EXDEV && refuse_mount(from, why));
    if (directory_is_mount(from))
        return refuse_mount(from, why);
    return directory_create_at(AT_FDCWD, to, 0700, why) && link_directory(job, from, to, depth + 1, why);
}

static bool dress_as(const char *from, const char *to, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    struct stat status;

    return file_stat(from, &status, why) && directory_open_fd(AT_FDCWD, to, &fd, why) &&
           (geteuid() != 0 || file_set_owner(fd, to, status.st_uid, status.st_gid, why)) &&
           file_set_mode(fd, to, status.st_mode & 07777, why);
}

/* Links cost nothing, and leave files that are in use what they are. */
static bool link_directory(const struct import_job *job, const char *from, const char *to, unsigned depth,
                           struct failure *why)
{
    struct directory *directory;
    struct failure ignored;
    unsigned char type;
    const char *name;
    bool is_good = true;

    if (depth > DEPTH_MAXIMUM)
        return failure_set(why, FAILURE_PERMANENT, 0, "%s: more than %d folders deep", from, DEPTH_MAXIMUM);
    if (!directory_open(AT_FDCWD, from, &directory, why))
        return false;
    while (is_good && directory_next(directory, &name, &type)) {
        const char *path = join(job, from, name);

        is_good = strcmp(path, job->stage) == 0 || link_one(job, path, join(job, to, name), depth, why);
    }
    return directory_close(&directory, is_good ? why : &ignored) && is_good && dress_as(from, to, why);
}

/* Beside the target, to be exchanged with it; inside, where it is a mount or nobody may write beside it. */
static const char *find_stage(const struct import_job *job)
{
    size_t slash = str_find_last_char(job->target, '/');
    struct str above = str_part(job->target, 0, slash), name = str_from(job->target, slash + 1);

    if (directory_is_mount(arena_c(job->arena, job->target)) ||
        access(above.len > 0 ? arena_c(job->arena, above) : "/", W_OK | X_OK) != 0)
        return arena_printf(job->arena, "%.*s/.import", STR_ARG(job->target)).data;
    return arena_printf(job->arena, "%.*s/.%.*s.import", STR_ARG(above), STR_ARG(name)).data;
}

bool import_stage_begin(struct import_job *job, struct failure *why)
{
    job->stage = find_stage(job);
    discard(job->stage); /* of one that was interrupted */
    return directory_create_at(AT_FDCWD, job->stage, 0700, why) &&
           link_directory(job, arena_c(job->arena, job->target), job->stage, 0, why);
}

void import_stage_discard(const struct import_job *job)
{
    discard(job->stage);
}

/* ---- one by one ---- */

static enum turn turn_of(const char *name, unsigned depth, bool is_used)
{
    if (depth == 0 && (strcmp(name, "main.cf") == 0 || strcmp(name, "master.cf") == 0))
        return TURN_MAIN;
    return is_used ? TURN_USED : TURN_NEW;
}

static bool place_directory(const struct import_job *job, const char *from, const char *to, unsigned depth,
                            bool is_real, struct failure *why);

/* A folder cannot give its name to a file everywhere. */
static bool place_one(const struct import_job *job, const char *from, const char *to, unsigned depth, bool is_real,
                      struct failure *why)
{
    struct stat new, old;
    bool is_used = file_stat_link(to, &old, why);

    if (!file_stat_link(from, &new, why))
        return false;
    if (is_used && S_ISDIR(old.st_mode) && !S_ISDIR(new.st_mode))
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s is a folder, and a file of that name is to take its place: move it away", to);
    if (is_used && S_ISDIR(old.st_mode))
        return place_directory(job, from, to, depth + 1, is_real, why);
    if (!is_real)
        return true;
    return (!is_used || !S_ISDIR(new.st_mode) || file_unlink(to, why)) && file_rename(from, to, why);
}

static bool place_turn(const struct import_job *job, const char *from, const char *to, unsigned depth, enum turn turn,
                       bool is_real, struct failure *why)
{
    struct directory *directory;
    struct failure ignored;
    unsigned char type;
    const char *name;
    bool is_good = true;

    if (!directory_open(AT_FDCWD, from, &directory, why))
        return false;
    while (is_good && directory_next(directory, &name, &type)) {
        const char *place = join(job, to, name);
        struct stat status;

        if (turn_of(name, depth, file_stat_link(place, &status, &ignored)) == turn)
            is_good = place_one(job, join(job, from, name), place, depth, is_real, why);
    }
    return directory_close(&directory, is_good ? why : &ignored) && is_good;
}

static bool place_directory(const struct import_job *job, const char *from, const char *to, unsigned depth,
                            bool is_real, struct failure *why)
{
    return place_turn(job, from, to, depth, TURN_NEW, is_real, why) &&
           place_turn(job, from, to, depth, TURN_USED, is_real, why) &&
           place_turn(job, from, to, depth, TURN_MAIN, is_real, why) && (!is_real || file_sync_directory(to, why));
}

/* ---- all at once ---- */

static bool is_here(const struct import_job *job)
{
    char here[PATH_MAX];

    return getcwd(here, sizeof here) != NULL && import_text_names(str_from_c(here), job->target);
}

/* A filesystem of layers moves no folder of a lower one. */
static bool place(const struct import_job *job, const char *target, struct failure *why)
{
    const bool is_inside = is_here(job);
    struct failure reason;

    if (import_text_names(str_from_c(job->stage), job->target) || !file_exchange(job->stage, target, &reason))
        return place_directory(job, job->stage, target, 0, false, why) &&
               place_directory(job, job->stage, target, 0, true, why);
    if (is_inside)
        import_say("%s is another folder now: where a shell stands in it, type: cd %s", target, target);
    return true;
}

bool import_stage_finish(const struct import_job *job, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;
    size_t slash = str_find_last_char(job->target, '/');
    const char *above = slash == 0 ? "/" : arena_c(job->arena, str_part(job->target, 0, slash));

    return directory_open_fd(AT_FDCWD, job->stage, &fd, why) && file_sync_filesystem(fd, job->stage, why) &&
           place(job, arena_c(job->arena, job->target), why) && file_sync_directory(above, why);
}
