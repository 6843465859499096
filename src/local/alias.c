/* SPDX-License-Identifier: Apache-2.0 */
#include "local/alias.h"

#include "local/destination.h"
#include "local/expansion.h"
#include "local/resolving.h"
#include "log/log.h"
#include "os/file.h"

#define OWNER_PREFIX "owner-"

static void fail_unavailable(const struct scene *scene)
{
    struct result failed = result_make(scene->attempt, DSN_STATUS(4, 3, 0), "alias database unavailable");

    scene_add(scene, &failed);
}

static enum table_result find(const struct scene *scene, struct str name, struct str *value_out, struct str *table_out)
{
    struct attempt *attempt = scene->attempt;
    struct failure why;
    enum table_result result = table_list_find_where(attempt->local->aliases, name, TABLE_ANY_KIND, attempt->arena,
                                                     value_out, table_out, &why);

    if (result == TABLE_UNKNOWN) {
        log_warning("%s", why.text);
        fail_unavailable(scene);
    }
    return result;
}

static void fail_without_owner(const struct scene *scene, struct str table, const struct failure *why)
{
    struct result failed = result_make(scene->attempt, DSN_STATUS(4, 3, 0), "cannot find alias database owner");

    log_warning("cannot find alias database owner for %.*s: %s", STR_ARG(table), why->text);
    scene_add(scene, &failed);
}

/* Files and commands in an alias are used with the rights of who could write it: the owner of the table's file. */
static bool take_owner_rights(struct scene *scene, struct str table)
{
    static const struct {
        const char *type;
        const char *suffix;
    } files[] = {
        { "hash", ".db" }, { "btree", ".db" }, { "lmdb", ".lmdb" }, { "texthash", "" },
        { "regexp", "" },  { "pcre", "" },     { "cidr", "" },
    };
    struct stat status;
    struct failure why;
    struct str type;
    struct str path;

    scene->account = NULL;
    scene_take_default_rights(scene);
    (void) str_cut(table, ':', &type, &path);
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        struct str file;

        if (!str_equal(type, str_from_c(files[i].type)))
            continue;
        file = arena_printf(scene->attempt->arena, "%.*s%s", STR_ARG(path), files[i].suffix);
        if (!file_stat(file.data, &status, &why) || status.st_uid == 0 || scene_take_owner(scene, status.st_uid, &why))
            continue;
        fail_without_owner(scene, table, &why);
        return false;
    }
    return true;
}

static bool take_sender(struct scene *scene, struct str address)
{
    struct failure why;

    if (!resolving_complete(scene->attempt, address, &scene->sender, &why)) {
        struct result failed = result_make(scene->attempt, DSN_STATUS(4, 3, 0), "cannot complete address %.*s: %s",
                                           STR_ARG(address), why.text);

        scene_add(scene, &failed);
        return false;
    }
    scene->has_owner = true;
    scene->is_sent_anew = true;
    return true;
}

/* An alias with an owner sends in that one's name, so that what cannot be delivered comes back to it. */
static bool take_owner(struct scene *scene, struct str name)
{
    const struct local_settings *settings = scene->attempt->local->settings;
    struct arena *arena = scene->attempt->arena;
    struct destination_list list = { 0 };
    struct str owner;
    struct str value;
    struct str table;

    if (!settings->owner_request_special)
        return true;
    owner = arena_printf(arena, OWNER_PREFIX "%.*s", STR_ARG(name));
    switch (find(scene, owner, &value, &table)) {
    case TABLE_UNKNOWN:
        return false;
    case TABLE_ABSENT:
        if (settings->reset_owner_alias)
            scene->has_owner = false;
        return true;
    case TABLE_FOUND:
        break;
    }
    if (settings->expand_owner_alias) {
        destination_parse(&list, arena, value);
        if (list.count == 1 && list.items[0].kind == DESTINATION_ADDRESS)
            owner = list.items[0].text;
    }
    return take_sender(scene, owner);
}

static void expand(const struct scene *scene, struct str name, struct str table, const struct destination_list *list)
{
    struct attempt *attempt = scene->attempt;
    struct scene *inner = scene_enter(scene, scene->address);

    attempt->expansions++;
    inner->kind = SCENE_ALIAS;
    inner->expanding = name;
    if (!take_owner_rights(inner, table) || !take_owner(inner, name))
        return;
    if (!attempt->is_expanded)
        attempt->is_list = inner->has_owner;
    attempt->is_expanded = true;
    if (name.len < scene->local_part.len &&
        local_list_has(&attempt->local->settings->propagate_unmatched_extensions, "alias"))
        inner->propagated = str_from(scene->local_part, name.len);
    expansion_add(inner, list);
}

/* name is the scene's local part, or what is left of it without its extension. */
static bool try_name(const struct scene *scene, struct str name)
{
    struct attempt *attempt = scene->attempt;
    struct destination_list list = { 0 };
    struct str value;
    struct str table;

    if (scene_is_of_alias(scene, name))
        return false;
    switch (find(scene, name, &value, &table)) {
    case TABLE_UNKNOWN:
        return true;
    case TABLE_ABSENT:
        return false;
    case TABLE_FOUND:
        break;
    }
    destination_parse(&list, attempt->arena, value);
    if (list.count == 0) {
        log_warning("no recipient in alias lookup result for %.*s", STR_ARG(name));
        fail_unavailable(scene);
        return true;
    }
    if (attempt_is_probe(attempt)) {
        struct result result = result_make(attempt, DSN_STATUS(2, 0, 0), "aliased to %.*s", STR_ARG(value));

        scene_add(scene, &result);
        return true;
    }
    expand(scene, name, table, &list);
    return true;
}

bool alias_deliver(const struct scene *scene)
{
    if (table_list_is_empty(scene->attempt->local->aliases))
        return false;
    if (try_name(scene, scene->local_part))
        return true;
    return !str_is_empty(scene->delimiter) && try_name(scene, scene->user);
}
