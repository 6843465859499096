/* SPDX-License-Identifier: Apache-2.0 */
#include "local/user_mailbox.h"

#include "local/command.h"
#include "local/file_delivery.h"
#include "local/pass.h"
#include "log/log.h"
#include "os/file.h"

#include <errno.h>

static struct result deliver_to_path(const struct scene *scene, struct str path, bool is_in_spool)
{
    struct mailbox_place place = { .path = path, .owner = scene->rights, .is_in_spool = is_in_spool };

    return file_deliver(scene, &place);
}

static struct result deliver_to_spool(const struct scene *scene)
{
    struct str directory = scene->attempt->local->settings->mail_spool_directory;
    bool is_maildir = str_ends_with(directory, STR("/"));
    struct str path = arena_printf(scene->attempt->arena, "%.*s%s%.*s%s", STR_ARG(directory), is_maildir ? "" : "/",
                                   STR_ARG(scene->account->name), is_maildir ? "/" : "");

    return deliver_to_path(scene, path, true);
}

/* The process that delivers as root is not root's to command. */
static struct result deliver_to_command(const struct scene *scene, struct str command)
{
    struct scene copy = *scene;

    if (rights_are_roots(&copy.rights)) {
        copy.rights = scene->attempt->local->default_rights;
        copy.has_rights = scene->attempt->local->has_default_rights;
    }
    return command_deliver(&copy, command);
}

/* FOUND: in *command_out. UNKNOWN: in *result_out. */
static enum table_result find_command(const struct scene *scene, struct str *command_out, struct result *result_out)
{
    struct attempt *attempt = scene->attempt;
    struct failure why;
    enum table_result result = table_list_find(attempt->local->mailbox_commands, scene->account->name, TABLE_ANY_KIND,
                                               attempt->arena, command_out, &why);

    if (result == TABLE_UNKNOWN) {
        log_warning("%s", why.text);
        *result_out = result_make(attempt, DSN_STATUS(4, 3, 0), "mailbox_command_maps lookup failure");
        return result;
    }
    if (result == TABLE_ABSENT && !str_is_empty(attempt->local->settings->mailbox_command)) {
        *command_out = attempt->local->settings->mailbox_command;
        return TABLE_FOUND;
    }
    return result;
}

static bool find_home(const struct scene *scene, struct failure *why)
{
    struct str home = scene->account->home;
    struct stat status;
    bool is_there;

    if (str_is_empty(home))
        return failure_set(why, FAILURE_CONFIGURATION, ENOENT, "%.*s", STR_ARG(home));
    if (!rights_take(&scene->rights, why))
        return false;
    is_there = file_stat(arena_c(scene->attempt->arena, home), &status, why);
    rights_return(&scene->rights);
    if (!is_there)
        return failure_set(why, why->kind, why->error, "%.*s", STR_ARG(home));
    return S_ISDIR(status.st_mode) || failure_set(why, FAILURE_CONFIGURATION, ENOTDIR, "%.*s", STR_ARG(home));
}

static struct result deliver(const struct scene *scene)
{
    const struct local_settings *settings = scene->attempt->local->settings;
    struct result result;
    struct failure why;
    struct str command;

    if (settings->require_home_directory && !find_home(scene, &why))
        return result_make(scene->attempt, DSN_STATUS(4, 3, 0), "cannot access home directory %s", why.text);
    switch (find_command(scene, &command, &result)) {
    case TABLE_UNKNOWN:
        return result;
    case TABLE_FOUND:
        return deliver_to_command(scene, command);
    case TABLE_ABSENT:
        break;
    }
    if (!str_is_empty(settings->home_mailbox) && !str_is_empty(scene->account->home))
        return deliver_to_path(scene,
                               arena_printf(scene->attempt->arena, "%.*s/%.*s", STR_ARG(scene->account->home),
                                            STR_ARG(settings->home_mailbox)),
                               false);
    return deliver_to_spool(scene);
}

void user_mailbox_deliver(const struct scene *scene)
{
    struct result result;

    if (!attempt_is_new(scene->attempt, "mailbox", scene->account->uid, scene->local_part) || pass_mailbox(scene))
        return;
    result = deliver(scene);
    scene_add_delivery(scene, &result);
}
