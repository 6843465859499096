/* SPDX-License-Identifier: Apache-2.0 */
#include "config/drop_ins.h"

#include "os/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { FILES_MAXIMUM = 1000 };

static int compare(const void *left, const void *right)
{
    return str_compare(*(const struct str *) left, *(const struct str *) right);
}

static bool is_meant(struct str name)
{
    return name.data[0] != '.' && str_ends_with(name, STR(".cf"));
}

static bool add_names(struct str folder, struct arena *arena, struct strlist *paths, struct failure *why)
{
    struct directory *directory = NULL;
    struct failure reason;
    unsigned char type;
    const char *name;

    if (!directory_open(AT_FDCWD, folder.data, &directory, &reason)) {
        if (reason.error == ENOENT)
            return true;
        return failure_set(why, FAILURE_CONFIGURATION, reason.error, "%s", reason.text);
    }
    while (directory_next(directory, &name, &type) && paths->count <= FILES_MAXIMUM)
        if (is_meant(str_from_c(name)) && type != DT_DIR)
            strlist_add(paths, arena, arena_printf(arena, "%.*s/%s", STR_ARG(folder), name));
    if (!directory_close(&directory, why))
        return false;
    if (paths->count > FILES_MAXIMUM)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "%.*s: more than %d files", STR_ARG(folder), FILES_MAXIMUM);
    return true;
}

bool drop_ins_list(struct str config_directory, const char *file, struct arena *arena, struct strlist *paths_out,
                   struct failure *why)
{
    struct str path = arena_printf(arena, "%.*s/%s", STR_ARG(config_directory), file);
    struct strlist paths = { 0 };

    strlist_add(&paths, arena, path);
    if (!add_names(arena_printf(arena, "%.*s.d", STR_ARG(path)), arena, &paths, why))
        return false;
    if (paths.count > 2)
        qsort(paths.items + 1, paths.count - 1, sizeof paths.items[0], compare);
    *paths_out = paths;
    return true;
}
