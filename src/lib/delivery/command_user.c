/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/command_user.h"

#include "config/shared_settings.h"
#include "delivery/command_attributes.h"

#include <unistd.h>

#define LEAD "user= command-line attribute specifies "

struct search {
    struct arena *arena;
    const struct shared_settings *shared;
    struct rights *found;
    struct failure *why;
};

static bool refuse(const struct search *search, const char *text, struct str name)
{
    return failure_set(search->why, FAILURE_CONFIGURATION, 0, "%s%.*s", text, STR_ARG(name));
}

static bool find_user(const struct search *search, struct str name)
{
    struct user_account account;

    switch (user_by_name(search->arena, name, &account, search->why)) {
    case USER_FOUND:
        *search->found = rights_of(&account);
        return true;
    case USER_ABSENT:
        return refuse(search, "unknown username: ", name);
    case USER_UNKNOWN:
        break;
    }
    return failure_prefix(search->why, "user lookup error");
}

static bool find_group(const struct search *search, struct str name)
{
    struct user_group group;

    if (str_is_empty(name))
        return true;
    switch (user_group_by_name(search->arena, name, &group, search->why)) {
    case USER_FOUND:
        search->found->gid = group.gid;
        return true;
    case USER_ABSENT:
        return refuse(search, "unknown group: ", name);
    case USER_UNKNOWN:
        break;
    }
    return failure_prefix(search->why, "group lookup error");
}

/* An owner that this system does not have can be nobody. */
static bool is_not_owner(const struct search *search, struct str owner)
{
    struct user_account account;
    struct failure ignored;

    if (user_by_name(search->arena, owner, &account, &ignored) != USER_FOUND)
        return true;
    if (search->found->uid == account.uid)
        return refuse(search, LEAD "mail system owner ", owner);
    if (search->found->gid == account.gid)
        return refuse(search, LEAD "the group of mail system owner ", owner);
    return true;
}

static bool is_not_setgid_group(const struct search *search)
{
    struct str name = search->shared->setgid_group;
    struct user_group group;
    struct failure ignored;

    if (user_group_by_name(search->arena, name, &group, &ignored) != USER_FOUND || group.gid != search->found->gid)
        return true;
    return refuse(search, LEAD "mail system group ", name);
}

static bool is_allowed(const struct search *search)
{
    if (search->found->uid == 0)
        return refuse(search, LEAD "root privileges", STR_EMPTY);
    if (search->found->gid == 0)
        return refuse(search, LEAD "root group privileges", STR_EMPTY);
    /* As an ordinary user all of the mail system is that one user's. */
    if (geteuid() != 0)
        return true;
    return is_not_owner(search, search->shared->mail_owner) && is_not_owner(search, search->shared->net_owner) &&
           is_not_owner(search, search->shared->map_owner) && is_not_setgid_group(search);
}

bool command_user_find(const struct command_attributes *attributes, const struct shared_settings *shared,
                       struct rights *rights_out, struct failure *why)
{
    CLEANUP(arena_destroy) struct arena *arena = arena_create();
    struct rights found;
    const struct search search = { arena, shared, &found, why };

    if (!find_user(&search, attributes->user) || !find_group(&search, attributes->group) || !is_allowed(&search) ||
        !rights_check(&found, why))
        return false;
    *rights_out = found;
    return true;
}
