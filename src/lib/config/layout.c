/* SPDX-License-Identifier: Apache-2.0 */
#include "config/layout.h"

#include "os/directory.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/user.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

const struct layout_directory layout_directories[] = {
    { "maildrop", 01730, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_SETGID },
    { "journal", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "incoming", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "active", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "deferred", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "hold", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "corrupt", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "bounce", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "defer", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "trace", 0700, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "pid", 0755, LAYOUT_ROOT, LAYOUT_GROUP_OF_OWNER },
    { "public", 0711, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_OF_OWNER },
    { "private", 0710, LAYOUT_MAIL_OWNER, LAYOUT_GROUP_NET },
    { NULL, 0, LAYOUT_ROOT, LAYOUT_GROUP_OF_OWNER },
};

static bool find_user(struct arena *arena, const char *parameter, struct str name, struct user_account *user_out,
                      struct failure *why)
{
    switch (user_by_name(arena, name, user_out, why)) {
    case USER_FOUND:
        if (user_out->uid == 0)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "%s = %.*s: this user must not be root", parameter,
                               STR_ARG(name));
        return true;
    case USER_ABSENT:
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s = %.*s: there is no such user; make it: useradd -r -M -s /usr/sbin/nologin %.*s",
                           parameter, STR_ARG(name), STR_ARG(name));
    default:
        return false;
    }
}

static bool find_group(struct arena *arena, const char *parameter, struct str name, struct user_group *group_out,
                       struct failure *why)
{
    switch (user_group_by_name(arena, name, group_out, why)) {
    case USER_FOUND:
        return true;
    case USER_ABSENT:
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "%s = %.*s: there is no such group; make it: groupadd -r %.*s", parameter, STR_ARG(name),
                           STR_ARG(name));
    default:
        return false;
    }
}

bool layout_identity_find(const struct shared_settings *settings, struct layout_identity *identity_out,
                          struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct user_account mail, net, map;
    struct user_group setgid;

    if (!privilege_is_root()) {
        const uid_t uid = geteuid();
        const gid_t gid = getegid();

        *identity_out = (struct layout_identity){ false, uid, gid, uid, gid, uid, gid, gid };
        return true;
    }
    if (!find_user(arena, "mail_owner", settings->mail_owner, &mail, why) ||
        !find_user(arena, "net_owner", settings->net_owner, &net, why) ||
        !find_user(arena, "map_owner", settings->map_owner, &map, why) ||
        !find_group(arena, "setgid_group", settings->setgid_group, &setgid, why))
        return false;
    if (mail.uid == net.uid)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "net_owner = %.*s: it must be another user than mail_owner, who owns the queue",
                           STR_ARG(settings->net_owner));
    if (map.uid == mail.uid || map.uid == net.uid)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "map_owner = %.*s: it must be another user than mail_owner and net_owner",
                           STR_ARG(settings->map_owner));
    if (mail.gid == setgid.gid || net.gid == setgid.gid || net.gid == mail.gid || map.gid == mail.gid ||
        map.gid == net.gid || map.gid == setgid.gid)
        return failure_set(why, FAILURE_CONFIGURATION, 0,
                           "mail_owner, net_owner, map_owner and setgid_group need four different groups");
    *identity_out =
        (struct layout_identity){ true, mail.uid, mail.gid, net.uid, net.gid, map.uid, map.gid, setgid.gid };
    return true;
}

uid_t layout_directory_uid(const struct layout_directory *directory, const struct layout_identity *identity)
{
    if (!identity->is_root)
        return (uid_t) -1;
    return directory->owner == LAYOUT_ROOT ? 0 : identity->mail_uid;
}

gid_t layout_directory_gid(const struct layout_directory *directory, const struct layout_identity *identity)
{
    if (!identity->is_root)
        return (gid_t) -1;
    switch (directory->group) {
    case LAYOUT_GROUP_NET:
        return identity->net_gid;
    case LAYOUT_GROUP_SETGID:
        return identity->setgid_gid;
    default:
        return directory->owner == LAYOUT_ROOT ? 0 : identity->mail_gid;
    }
}

static bool copy_path(struct str path, char copy[PATH_MAX], struct failure *why)
{
    if (snprintf(copy, PATH_MAX, "%.*s", STR_ARG(path)) >= PATH_MAX)
        return failure_set(why, FAILURE_CONFIGURATION, 0, "the path %.40s... is too long", copy);
    return true;
}

static bool make_queue(const char *queue, const struct layout_identity *identity, struct failure *why)
{
    char path[PATH_MAX];

    for (const struct layout_directory *row = layout_directories; row->name != NULL; row++) {
        if (snprintf(path, sizeof path, "%s/%s", queue, row->name) >= (int) sizeof path)
            return failure_set(why, FAILURE_CONFIGURATION, 0, "queue_directory = %.40s...: too long", queue);
        if (!directory_ensure(path, row->mode, layout_directory_uid(row, identity), layout_directory_gid(row, identity),
                              why))
            return false;
    }
    /* Whoever made one, now or just before a crash: mail is no more durable than its folder's name. */
    return file_sync_directory(queue, why);
}

bool layout_make(const struct shared_settings *settings, const struct layout_identity *identity, struct failure *why)
{
    uid_t mail_uid = identity->is_root ? identity->mail_uid : (uid_t) -1;
    gid_t mail_gid = identity->is_root ? identity->mail_gid : (gid_t) -1;
    uid_t root_uid = identity->is_root ? 0 : (uid_t) -1;
    char queue[PATH_MAX], data[PATH_MAX];

    if (!copy_path(settings->queue_directory, queue, why) || !copy_path(settings->data_directory, data, why))
        return false;
    return directory_create_path(queue, 0755, why) && directory_ensure(queue, 0755, root_uid, root_uid, why) &&
           make_queue(queue, identity, why) && directory_create_path(data, 0700, why) &&
           directory_ensure(data, 0700, mail_uid, mail_gid, why);
}

static bool may_pass(const struct stat *status, uid_t uid, gid_t gid)
{
    if (status->st_uid == uid)
        return (status->st_mode & S_IXUSR) != 0;
    if (status->st_gid == gid)
        return (status->st_mode & S_IXGRP) != 0;
    return (status->st_mode & S_IXOTH) != 0;
}

bool layout_is_reachable(struct str path, const struct layout_identity *identity, struct failure *why)
{
    char part[PATH_MAX];
    struct stat status;

    if (!identity->is_root)
        return true;
    if (!copy_path(path, part, why))
        return false;
    for (size_t i = 1; i <= path.len; i++) {
        if (i < path.len && part[i] != '/')
            continue;
        part[i] = '\0';
        if (stat(part, &status) < 0)
            return true;
        if (!may_pass(&status, identity->mail_uid, identity->mail_gid) ||
            !may_pass(&status, identity->net_uid, identity->net_gid) ||
            !may_pass(&status, identity->map_uid, identity->map_gid))
            return failure_set(
                why, FAILURE_CONFIGURATION, 0,
                "directory %s (mode %04o) does not let mail_owner, net_owner and map_owner pass to %.*s: chmod o+x "
                "it, or put the instance elsewhere",
                part, (unsigned) status.st_mode & 07777, STR_ARG(path));
        if (i < path.len)
            part[i] = '/';
    }
    return true;
}

void layout_service_groups(const struct layout_identity *identity, struct str user, gid_t gid,
                           struct privilege_groups *groups_out)
{
    const gid_t never[] = { identity->mail_gid, identity->setgid_gid };
    CLEANUP(arena_destroy) struct arena *arena = arena_create();

    privilege_find_groups(arena_c(arena, user), gid, never, ARRAY_COUNT(never), groups_out);
}
