/* SPDX-License-Identifier: Apache-2.0 */
#include "os/user.h"

#include "base/memory.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

enum { BUFFER_FIRST = 4096, BUFFER_MAX = 1024 * 1024 };

/* What the libc reports for "no such name" differs by NSS module: these all mean it (getpwnam(3)). */
static bool means_absent(int error)
{
    return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

/* One lookup, by name if that is not NULL, else by id. Returns errno, with found NULL if absent. */
static int ask_user(const char *name, uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **found)
{
    return name != NULL ? getpwnam_r(name, entry, buffer, size, found) : getpwuid_r(uid, entry, buffer, size, found);
}

static int ask_group(const char *name, gid_t gid, struct group *entry, char *buffer, size_t size, struct group **found)
{
    return name != NULL ? getgrnam_r(name, entry, buffer, size, found) : getgrgid_r(gid, entry, buffer, size, found);
}

/* "Full Name,room,phone": '&' stands for the login name with a capital. */
static struct str full_name_of(struct arena *arena, const struct passwd *entry)
{
    struct str field, rest, before, after;

    (void) str_cut(str_from_c(entry->pw_gecos), ',', &field, &rest);
    if (!str_cut(field, '&', &before, &after))
        return arena_str(arena, field);
    return arena_printf(arena, "%.*s%c%s%.*s", STR_ARG(before), char_to_upper(entry->pw_name[0]),
                        entry->pw_name[0] == '\0' ? "" : entry->pw_name + 1, STR_ARG(after));
}

static void copy_user(struct arena *arena, const struct passwd *entry, struct user_account *user_out)
{
    *user_out = (struct user_account){
        .name = arena_str(arena, str_from_c(entry->pw_name)),
        .full_name = full_name_of(arena, entry),
        .home = arena_str(arena, str_from_c(entry->pw_dir)),
        .shell = arena_str(arena, str_from_c(entry->pw_shell)),
        .uid = entry->pw_uid,
        .gid = entry->pw_gid,
    };
}

static enum user_answer answer_of(int error, bool is_found, const char *what, struct failure *why)
{
    if (is_found)
        return USER_FOUND;
    if (means_absent(error))
        return USER_ABSENT;
    failure_system(why, error, "look up %s", what);
    return USER_UNKNOWN;
}

static enum user_answer look_up_user(struct arena *arena, const char *name, uid_t uid, struct user_account *user_out,
                                     struct failure *why)
{
    struct passwd entry, *found = NULL;
    size_t size = BUFFER_FIRST;
    char *buffer = memory_alloc(size);
    int error;

    while ((error = ask_user(name, uid, &entry, buffer, size, &found)) == EINTR || error == ERANGE) {
        if (error == ERANGE && size < BUFFER_MAX)
            buffer = memory_resize(buffer, size *= 2);
        else if (error == ERANGE)
            break;
    }
    if (found != NULL)
        copy_user(arena, found, user_out);
    memory_free(buffer);
    return answer_of(error, found != NULL, "a user", why);
}

static enum user_answer look_up_group(struct arena *arena, const char *name, gid_t gid, struct user_group *group_out,
                                      struct failure *why)
{
    struct group entry, *found = NULL;
    size_t size = BUFFER_FIRST;
    char *buffer = memory_alloc(size);
    int error;

    while ((error = ask_group(name, gid, &entry, buffer, size, &found)) == EINTR || error == ERANGE) {
        if (error == ERANGE && size < BUFFER_MAX)
            buffer = memory_resize(buffer, size *= 2);
        else if (error == ERANGE)
            break;
    }
    if (found != NULL)
        *group_out = (struct user_group){ arena_str(arena, str_from_c(found->gr_name)), found->gr_gid };
    memory_free(buffer);
    return answer_of(error, found != NULL, "a group", why);
}

/* libc ends names at a NUL; such a name is nobody's. */
static bool can_be_name(struct str name)
{
    return name.len > 0 && !str_contains_char(name, '\0');
}

enum user_answer user_by_name(struct arena *arena, struct str name, struct user_account *user_out, struct failure *why)
{
    if (!can_be_name(name))
        return USER_ABSENT;
    return look_up_user(arena, arena_c(arena, name), 0, user_out, why);
}

enum user_answer user_by_uid(struct arena *arena, uid_t uid, struct user_account *user_out, struct failure *why)
{
    return look_up_user(arena, NULL, uid, user_out, why);
}

enum user_answer user_group_by_name(struct arena *arena, struct str name, struct user_group *group_out,
                                    struct failure *why)
{
    if (!can_be_name(name))
        return USER_ABSENT;
    return look_up_group(arena, arena_c(arena, name), 0, group_out, why);
}

enum user_answer user_group_by_gid(struct arena *arena, gid_t gid, struct user_group *group_out, struct failure *why)
{
    return look_up_group(arena, NULL, gid, group_out, why);
}
