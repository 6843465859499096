/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of other programs, which a configuration names and an import cannot move: what has to become of each. */
#include "merpati/import_sockets.h"

#include "os/file.h"
#include "os/user.h"

#include <string.h>

/* As "ls" has it; empty if there is none. */
static struct str group_of(struct arena *arena, const struct stat *status)
{
    struct user_group group;
    struct failure ignored;

    if (user_group_by_gid(arena, status->st_gid, &group, &ignored) == USER_FOUND)
        return group.name;
    return arena_printf(arena, "%u", (unsigned) status->st_gid);
}

static const char *owner_text(struct arena *arena, const struct stat *status)
{
    struct user_account user;
    struct failure ignored;
    struct str name = arena_printf(arena, "%u", (unsigned) status->st_uid);

    if (user_by_uid(arena, status->st_uid, &user, &ignored) == USER_FOUND)
        name = user.name;
    return arena_printf(arena, "now %.*s:%.*s, mode %04o", STR_ARG(name), STR_ARG(group_of(arena, status)),
                        (unsigned) status->st_mode & 07777)
        .data;
}

/* One that others may be put into: never root's, nor the other mail system's own. */
static bool is_shareable(const struct import_job *job, const struct stat *status)
{
    return status->st_gid != 0 && status->st_gid != job->old_group;
}

/* What the program's socket has now, or else the folder that it makes it in. */
static const char *group_to_join(const struct import_job *job, const char *socket)
{
    const char *folder =
        arena_c(job->arena, str_part(str_from_c(socket), 0, str_find_last_char(str_from_c(socket), '/')));
    struct failure ignored;
    struct stat status;

    if ((file_stat(socket, &status, &ignored) && is_shareable(job, &status)) ||
        (file_stat(folder, &status, &ignored) && is_shareable(job, &status)))
        return arena_c(job->arena, group_of(job->arena, &status));
    return "GROUP";
}

static const char *join_commands(const struct import_job *job, const struct import_socket *socket, const char *old)
{
    const char *group = group_to_join(job, old);
    struct str net = job->shared->net_owner, map = job->shared->map_owner;

    if (socket->askers > IMPORT_ASKED_BY_MAP && socket->askers != IMPORT_ASKED_BY_FREE_NET)
        return arena_printf(job->arena, "\"adduser %.*s %s\" and \"adduser %.*s %s\"", STR_ARG(net), group,
                            STR_ARG(map), group)
            .data;
    return arena_printf(job->arena, "\"adduser %.*s %s\"", STR_ARG(socket->askers == IMPORT_ASKED_BY_MAP ? map : net),
                        group)
        .data;
}

/* Outside of the queue directory: as it was, but for who asks. */
static void tell_outer(const struct import_job *job, const struct import_socket *socket)
{
    const char *path = arena_c(job->arena, socket->path);
    struct failure ignored;
    struct stat status;
    const bool is_there = file_stat(path, &status, &ignored);

    if (is_there && (status.st_mode & 06) == 06)
        import_say("%.*s: the socket %s (%s) stays where it is", STR_ARG(socket->where), path,
                   owner_text(job->arena, &status));
    else
        import_say(
            "%.*s: the socket %s (%s) stays where it is, and is asked by user %.*s: let it have mode 0660, run "
            "%s, then \"merpati stop\" and \"merpati start\"",
            STR_ARG(socket->where), path, is_there ? owner_text(job->arena, &status) : "not there now",
            STR_ARG(socket->askers == IMPORT_ASKED_BY_FREE_NET ? job->shared->net_owner : job->shared->map_owner),
            join_commands(job, socket, path));
}

/* Where the other system meets it: in its queue directory, or, out of a chroot, where the path says. */
static const char *find_old(const struct import_job *job, struct str path, struct stat *status, bool *is_there_out)
{
    const char *slash = path.data[0] == '/' ? "" : "/";
    const char *old = arena_printf(job->arena, "%.*s%s%.*s", STR_ARG(job->old_queue), slash, STR_ARG(path)).data;
    const char *outer = arena_c(job->arena, path);
    struct failure ignored;

    *is_there_out = file_stat(old, status, &ignored);
    if (*is_there_out || path.data[0] != '/' || !file_stat(outer, status, &ignored))
        return old;
    *is_there_out = true;
    return outer;
}

/* With users of ours in its group; proxymap does not get into private/. */
static void tell_shared(const struct import_job *job, const struct import_socket *socket, struct str inner,
                        const char *old, const char *owner)
{
    const bool is_for_map = (socket->askers & IMPORT_ASKED_BY_MAP) != 0;

    import_say("%.*s: %s makes the socket %s (%s). It has to make %.*s/%.*s%s, with a group of its own and mode "
               "0660; then run %s, restart it, \"merpati stop\" and \"merpati start\"",
               STR_ARG(socket->where), socket->is_milter ? "a milter" : "another program", old, owner,
               STR_ARG(job->shared->queue_directory), STR_ARG(inner),
               is_for_map && str_starts_with(inner, STR("private/")) ? ", but in another folder than private" : "",
               join_commands(job, socket, old));
}

static void tell(const struct import_job *job, const struct import_socket *socket)
{
    struct str inner = socket->path.data[0] == '/' ? str_from(socket->path, 1) : socket->path;
    const char *old, *owner = "not there now";
    struct stat status;
    bool is_there;

    if ((socket->askers & IMPORT_ASKED_BY_NET) == 0 && socket->path.data[0] == '/') {
        tell_outer(job, socket);
        return;
    }
    old = find_old(job, socket->path, &status, &is_there);
    if (is_there)
        owner = owner_text(job->arena, &status);
    if (socket->is_milter || socket->askers == IMPORT_ASKED_BY_MAP)
        tell_shared(job, socket, inner, old, owner);
    else
        import_say("%.*s: another program makes the socket %s (%s). It has to make %.*s/%.*s, owner %.*s and mode 0660",
                   STR_ARG(socket->where), old, owner, STR_ARG(job->shared->queue_directory), STR_ARG(inner),
                   STR_ARG(job->shared->net_owner));
    if (socket->path.data[0] == '/')
        import_say("%.*s: write the path as %.*s, below the queue directory, which is all that smtpd and smtp see",
                   STR_ARG(socket->where), STR_ARG(inner));
}

/* Where guides put it for a chroot; the service sasl is in none. */
static void tell_saslauthd(const struct import_job *job)
{
    const char *mux = arena_printf(job->arena, "%.*s/var/run/saslauthd", STR_ARG(job->old_queue)).data;

    if (file_exists(mux))
        import_say(
            "saslauthd listens in %s: leave it there and write \"saslauthd_path: %s/mux\" into %.*s/sasl/smtpd.conf",
            mux, mux, STR_ARG(job->target));
}

void import_sockets_tell(const struct import_job *job)
{
    struct import_sockets sockets = { 0 };

    import_sockets_find(job, &sockets);
    for (size_t i = 0; i < sockets.count; i++)
        tell(job, &sockets.items[i]);
    tell_saslauthd(job);
}
