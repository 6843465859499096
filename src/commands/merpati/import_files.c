/* SPDX-License-Identifier: Apache-2.0 */
#include "merpati/import.h"
#include "os/directory.h"
#include "os/fd.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAXIMUM = 4 << 20, BLOCK = 64 * 1024, DEPTH_MAXIMUM = 20, ASIDE_MAXIMUM = 1000 };

/* Of the other system's installation, and what it does not read itself. */
static const char *const left_out[] = {
    "postfix-files", "postfix-files.d", "dynamicmaps.cf", "dynamicmaps.cf.d", "main.cf.proto", "master.cf.proto",
    "main.cf.d",     "master.cf.d",     "postfix-script", "post-install",     "makedefs.out",  NULL,
};

static const char *join(const struct import_job *job, const char *directory, const char *name)
{
    return arena_printf(job->arena, "%s/%s", directory, name).data;
}

static bool is_left_out(const char *name, unsigned depth)
{
    for (size_t i = 0; depth == 0 && left_out[i] != NULL; i++) {
        if (strcmp(name, left_out[i]) == 0)
            return true;
    }
    return false;
}

/* ---- copying ---- */

static bool copy_bytes(int from, int to, const char *name, struct failure *why)
{
    char block[BLOCK / 8];
    size_t count;

    do {
        if (!file_read(from, name, block, sizeof block, &count, why) ||
            !file_write(to, name, str_make(block, count), why))
            return false;
    } while (count > 0);
    return true;
}

/* main.cf and master.cf, and the settings of databases and the like; what is no text, or too long for one, is copied.
 */
static bool copy_text(struct import_job *job, int from, int to, const char *name, bool is_main_cf, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf text;
    CLEANUP(strbuf_done) struct strbuf adapted;

    strbuf_init(&text, TEXT_MAXIMUM);
    strbuf_init(&adapted, STRBUF_UNLIMITED);
    if (!file_load_fd(from, name, &text, why))
        return false;
    if (is_main_cf)
        import_main_cf(job, strbuf_str(&text), &adapted);
    else
        import_text_move(strbuf_str(&text), job->moves, job->move_count, &adapted);
    import_look_at_lines(job, name + job->source.len + 1, strbuf_str(&adapted));
    return file_write(to, name, strbuf_str(&adapted), why);
}

static bool dress(const struct import_job *job, int fd, const char *name, const struct stat *status,
                  struct failure *why)
{
    gid_t group = status->st_gid == job->old_group ? job->new_group : status->st_gid;

    return (geteuid() != 0 || file_set_owner(fd, name, status->st_uid, group, why)) &&
           file_set_mode(fd, name, status->st_mode & 07777, why);
}

static bool copy_file(struct import_job *job, const char *from, const char *to, unsigned depth, struct failure *why)
{
    CLEANUP(fd_close) int source = -1;
    CLEANUP(fd_close) int target = -1;
    struct stat status;
    bool is_text = str_ends_with(str_from_c(from), STR(".cf"));
    bool is_main_cf = depth == 0 && str_ends_with(str_from_c(from), STR("/main.cf"));

    if (!file_open(from, O_RDONLY, 0, &source, why) || !file_stat_fd(source, from, &status, why) ||
        !file_open(to, O_WRONLY | O_CREAT | O_EXCL, 0600, &target, why))
        return false;
    if (!(is_text && status.st_size <= TEXT_MAXIMUM ? copy_text(job, source, target, from, is_main_cf, why)
                                                    : copy_bytes(source, target, from, why)))
        return false;
    if (!is_text)
        import_look_into(job, from, status.st_size);
    strlist_add(&job->files, job->arena, str_from_c(from));
    return dress(job, target, to, &status, why) && file_set_time(target, to, status.st_mtim.tv_sec, why);
}

static struct str link_place(const struct import_job *job, const char *path)
{
    char place[PATH_MAX];
    ssize_t len = readlink(path, place, sizeof place);

    return len < 0 ? STR_EMPTY : arena_str(job->arena, str_make(place, (size_t) len));
}

/* A relative way out of the source leads elsewhere from the target. */
static struct str find_place(const struct import_job *job, const char *from, struct str place)
{
    size_t slash = str_find_last_char(place, '/');
    struct str name = slash == STR_NOT_FOUND ? place : str_from(place, slash + 1);
    struct str here = str_part(str_from_c(from), 0, str_find_last_char(str_from_c(from), '/'));
    const char *folder =
        arena_printf(job->arena, "%.*s/%.*s", STR_ARG(here), (int) (place.len - name.len), place.data).data;
    char whole[PATH_MAX];

    if (str_starts_with(place, STR("/")) || realpath(folder, whole) == NULL ||
        import_text_names(str_from_c(whole), job->source))
        return place;
    return arena_printf(job->arena, "%s/%.*s", whole, STR_ARG(name));
}

static bool copy_link(const struct import_job *job, const char *from, const char *to, struct failure *why)
{
    CLEANUP(strbuf_done) struct strbuf moved;
    struct str place = link_place(job, from);

    strbuf_init(&moved, STRBUF_UNLIMITED);
    if (place.len == 0)
        return failure_system(why, errno, "read link %s", from);
    import_text_move(find_place(job, from, place), job->moves, job->move_count, &moved);
    import_look_at_paths(job, arena_printf(job->arena, "link %s", from + job->source.len + 1).data, strbuf_str(&moved));
    return symlink(strbuf_c(&moved), to) == 0 || failure_system(why, errno, "make link %s", to);
}

/* These two make the rest count. As links they would have commands edit the source. */
static bool is_main(const char *name, unsigned depth)
{
    return depth == 0 && (strcmp(name, "master.cf") == 0 || strcmp(name, "main.cf") == 0);
}

/* ---- what was there ---- */

static bool is_same(const struct import_job *job, const char *one, const char *other)
{
    CLEANUP(strbuf_done) struct strbuf a;
    CLEANUP(strbuf_done) struct strbuf b;
    struct failure ignored;
    struct stat status, there;

    strbuf_init(&a, TEXT_MAXIMUM);
    strbuf_init(&b, TEXT_MAXIMUM);
    if (!file_stat_link(one, &status, &ignored) || !file_stat_link(other, &there, &ignored) ||
        (status.st_mode & S_IFMT) != (there.st_mode & S_IFMT))
        return false;
    if (S_ISLNK(status.st_mode))
        return str_equal(link_place(job, one), link_place(job, other));
    return S_ISREG(status.st_mode) && file_load(one, &a, &ignored) && file_load(other, &b, &ignored) &&
           str_equal(strbuf_str(&a), strbuf_str(&b));
}

/* As "main.cf.before-import", or with a number where there is one from another time. */
static bool put_aside(struct import_job *job, const char *path, struct failure *why)
{
    for (unsigned i = 1; i < ASIDE_MAXIMUM; i++) {
        struct str aside = i == 1 ? arena_printf(job->arena, "%s.before-import", path)
                                  : arena_printf(job->arena, "%s.before-import.%u", path, i);

        if (file_rename_new_at(AT_FDCWD, path, AT_FDCWD, aside.data, why)) {
            strlist_add(&job->replaced, job->arena, str_from_c(path));
            strlist_add(&job->asides, job->arena, aside);
            return true;
        }
        if (why->error != EEXIST)
            return false;
        if (is_same(job, path, aside.data)) /* of an import that was interrupted */
            return file_unlink(path, why);
    }
    return false;
}

bool import_files_settle(const struct import_job *job, struct failure *why)
{
    for (size_t i = 0; i < job->asides.count; i++) {
        const char *path = job->replaced.items[i].data, *aside = job->asides.items[i].data;

        if (!is_same(job, path, aside))
            import_say("%.*s%s is kept as %s", STR_ARG(job->target), path + strlen(job->stage),
                       strrchr(aside, '/') + 1);
        else if (!file_unlink(aside, why))
            return false;
    }
    return true;
}

static bool copy_directory(struct import_job *job, const char *from, const char *to, unsigned depth,
                           struct failure *why);

static bool copy_folder(struct import_job *job, const char *from, const char *to, unsigned depth,
                        const struct stat *status, struct failure *why)
{
    CLEANUP(fd_close) int fd = -1;

    return directory_create_at(AT_FDCWD, to, 0700, why) && copy_directory(job, from, to, depth + 1, why) &&
           directory_open_fd(AT_FDCWD, to, &fd, why) && dress(job, fd, to, status, why);
}

static bool copy_one(struct import_job *job, const char *from, const char *to, unsigned depth, struct failure *why)
{
    struct stat status, there;
    bool is_file;

    if (!file_stat_link(from, &status, why))
        return false;
    is_file = S_ISREG(status.st_mode) || is_main(strrchr(from, '/') + 1, depth);
    if (!is_file && !S_ISLNK(status.st_mode) && !S_ISDIR(status.st_mode)) {
        import_say("%s is no file, and is not copied", from);
        return true;
    }
    if (file_stat_link(to, &there, why)) {
        if (S_ISDIR(status.st_mode) && S_ISDIR(there.st_mode) && !is_file)
            return copy_directory(job, from, to, depth + 1, why);
        if (!put_aside(job, to, why))
            return false;
    }
    if (is_file)
        return copy_file(job, from, to, depth, why);
    return S_ISLNK(status.st_mode) ? copy_link(job, from, to, why) : copy_folder(job, from, to, depth, &status, why);
}

static bool copy_directory(struct import_job *job, const char *from, const char *to, unsigned depth,
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
        if (!is_left_out(name, depth))
            is_good = copy_one(job, join(job, from, name), join(job, to, name), depth, why);
    }
    return directory_close(&directory, is_good ? why : &ignored) && is_good;
}

bool import_files_copy(struct import_job *job, struct failure *why)
{
    return copy_directory(job, arena_c(job->arena, job->source), job->stage, 0, why);
}
