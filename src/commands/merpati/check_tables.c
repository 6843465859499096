/* SPDX-License-Identifier: Apache-2.0 */
/* Files of tables in databases: whether proxymap, which asks for the other services, may read them. */
#include "log/log.h"
#include "merpati/check.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/privilege.h"
#include "os/user.h"
#include "table/table_list.h"

#include <errno.h>
#include <fcntl.h>

static const char *const types[] = { "ldap", "memcache", "mysql", "pgsql", "redis", "sqlite", NULL };

struct reader {
    const struct instance *instance;
    const struct layout_identity *identity;
    struct privilege_groups groups;
    struct strlist seen;
};

/* Of "proxy:mysql:/etc/merpati/x.cf" the path. */
static bool find_file(struct str word, struct str *path_out)
{
    struct str type;
    struct str path;

    while (str_starts_with(word, STR("proxy:")))
        word = str_from(word, strlen("proxy:"));
    if (!str_cut(word, ':', &type, &path) || !str_starts_with(path, STR("/")))
        return false;
    for (size_t i = 0; types[i] != NULL; i++) {
        if (str_equal(type, str_from_c(types[i]))) {
            *path_out = path;
            return true;
        }
    }
    return false;
}

static bool may_read(const struct reader *reader, const char *path)
{
    const struct layout_identity *identity = reader->identity;
    struct failure why;
    bool is_closed;
    int fd;

    if (!privilege_borrow_groups(identity->map_uid, identity->map_gid, &reader->groups, &why)) {
        log_error("%s", why.text);
        return true;
    }
    is_closed = !file_open(path, O_RDONLY, 0, &fd, &why);
    if (!is_closed)
        fd_close(&fd);
    is_closed = is_closed && why.error == EACCES;
    if (!privilege_restore(&why))
        log_error("%s", why.text);
    return !is_closed;
}

static struct str group_of(const struct reader *reader)
{
    struct user_group group;
    struct failure ignored;

    if (user_group_by_gid(reader->instance->arena, reader->identity->map_gid, &group, &ignored) == USER_FOUND)
        return group.name;
    return reader->instance->shared->map_owner;
}

static void look_at(struct reader *reader, const struct main_cf_entry *entry, struct str path)
{
    struct arena *arena = reader->instance->arena;
    struct str group;

    if (strlist_contains(&reader->seen, path))
        return;
    strlist_add(&reader->seen, arena, path);
    if (may_read(reader, arena_c(arena, path)))
        return;
    group = group_of(reader);
    log_warning("%.*s, line %u: %.*s: %.*s, as whom tables in databases are asked, cannot read %.*s: "
                "chgrp %.*s %.*s; chmod 640 %.*s",
                STR_ARG(entry->place.file), entry->place.line, STR_ARG(entry->name),
                STR_ARG(reader->instance->shared->map_owner), STR_ARG(path), STR_ARG(group), STR_ARG(path),
                STR_ARG(path));
}

void check_tables(const struct instance *instance, const struct layout_identity *identity)
{
    struct reader reader = { .instance = instance, .identity = identity };

    if (!identity->is_root)
        return;
    layout_service_groups(identity, instance->shared->map_owner, identity->map_gid, &reader.groups);
    for (size_t i = 0; i < main_cf_count(instance->main_cf); i++) {
        const struct main_cf_entry *entry = main_cf_at(instance->main_cf, i);
        struct failure ignored;
        struct str rest;
        struct str word;
        struct str path;

        if (!main_cf_value(instance->main_cf, entry->name, instance->arena, &rest, &ignored))
            continue;
        while (table_list_next_word(&rest, ", \t\r\n", &word)) {
            if (find_file(word, &path))
                look_at(&reader, entry, path);
        }
    }
}
